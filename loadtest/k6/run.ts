/**
 * `gateway/node loadtest/k6/run.ts`: puts Gatehouse in front of a stub MCP server on loopback with
 * throw-away keys and runs the main path under k6. Further arguments go to k6 (`-e RATE=500`). Without a
 * k6 and a way to build one it says so and ends well.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProcesses } from '../bench/processes.ts'
import { startNodeStub } from '../bench/stub.ts'
import { createTokenMint } from '../bench/tokens.ts'
import { TOOL } from '../bench/traffic.ts'
import { GATEHOUSE } from '../bench/variants/gatehouse.ts'
import { findK6 } from './find-k6.ts'

const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url))
const DIRECTORY = path.join(CACHE, 'load')
const SCRIPT = fileURLToPath(new URL('main-path.ts', import.meta.url))

const AUDIENCE = 'https://load.example/mcp'
/** As many agents as the stated load has. */
const TOKENS = 1000
/** Beside the bench's, so that both can run at a time. */
const STUB_PORT = 29_200
const GATEHOUSE_PORT = 29_210

async function main(): Promise<number> {
  const k6 = findK6(path.join(CACHE, 'bin'), (line) => console.log(line))
  if ('missing' in k6) {
    console.log(`Nothing was run. ${k6.missing}`)
    return 0
  }
  rmSync(DIRECTORY, { recursive: true, force: true })
  mkdirSync(DIRECTORY, { recursive: true })
  // Not pinned: k6 takes whatever is free, and latency under it is what is looked at, not cost.
  const processes = createProcesses({ directory: DIRECTORY, cores: [] })
  const interrupt = (): void => void processes.stopAll().then(() => process.exit(130))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const mint = createTokenMint({ audience: AUDIENCE, nowSeconds: Math.floor(Date.now() / 1000) })
    const { target } = await GATEHOUSE.start({
      directory: DIRECTORY,
      port: GATEHOUSE_PORT,
      upstream: (await startNodeStub(processes, STUB_PORT)).target,
      processes,
      keys: {
        jwksFile: write('jwks.json', mint.jwks),
        rsaPublicPemFile: write('rsa.pem', mint.rsaPublicPem),
        audience: AUDIENCE,
      },
    })
    const settings = {
      URL: `http://${target.host}:${target.port}${target.path}`,
      TOKENS: write('tokens.txt', mint.mint('RS256', TOKENS).join('\n')),
      TOOL,
    }
    return await runK6(k6.command, settings)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    await processes.stopAll()
  }
}

async function runK6(command: string, settings: Readonly<Record<string, string>>): Promise<number> {
  const named = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`])
  const args = ['run', '--no-usage-report', ...named, ...process.argv.slice(2), SCRIPT]
  const child = spawn(command, args, { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

function write(name: string, text: string): string {
  const file = path.join(DIRECTORY, name)
  writeFileSync(file, text)
  return file
}

process.exitCode = await main()
