/** Makes what every measurement shares: a directory, keys and tokens, the stubs and the generator. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench, Question } from './bench.ts'
import { allowedCores } from './cores.ts'
import { FULL, LOAD_CORE, PORTS, QUICK, TOKENS } from './constants.ts'
import { startGenerator } from './generator-client.ts'
import type { Options } from './options.ts'
import { accepts, createProcesses } from './processes.ts'
import { createRandom } from './random.ts'
import { startStubs } from './stub.ts'
import { createTokenMint } from './tokens.ts'
import { findTools } from './tools.ts'
import { CALL_ANSWER, CALL_BODY, LIST_BODY } from './traffic.ts'

/** Everything a run writes; wiped when the next one starts. */
export const DIRECTORY = fileURLToPath(new URL('../../.cache/bench', import.meta.url))

/** Audience of the tokens, named in every verifying configuration. */
const AUDIENCE = 'https://bench.example/mcp'

/** What is known before anything runs. */
export type Workplace = Pick<Bench, 'tools' | 'cores' | 'processes'>

/**
 * Finds tools and empties the directory; starts nothing yet.
 *
 * @throws {Error} While another bench runs: they would measure each other.
 */
export async function prepareWorkplace(): Promise<Workplace> {
  if (await accepts(PORTS.streamStub)) {
    throw new Error(`port ${PORTS.streamStub} is taken: another bench seems to be running`)
  }
  rmSync(DIRECTORY, { recursive: true, force: true })
  mkdirSync(DIRECTORY, { recursive: true })
  const tools = findTools()
  const cores = tools.has('taskset') ? allowedCores() : []
  const loadCore = cores[LOAD_CORE]
  // The bench itself mostly waits; it must not do so on the proxy's core.
  if (loadCore !== undefined) {
    execFileSync('taskset', ['-a', '-c', '-p', String(loadCore), String(process.pid)])
  }
  return { tools, cores, processes: createProcesses({ directory: DIRECTORY, cores }) }
}

/** Mints keys and tokens, starts generator and stubs. */
export async function setUp(
  { tools, cores, processes }: Workplace,
  options: Pick<Options, 'quick' | 'seed'>,
  say: Bench['say'],
): Promise<Bench> {
  const mint = createTokenMint({ audience: AUDIENCE, nowSeconds: Math.floor(Date.now() / 1000) })
  return {
    directory: DIRECTORY,
    tools,
    cores,
    durations: options.quick ? QUICK : FULL,
    random: createRandom(options.seed),
    processes,
    generator: await startGenerator(processes),
    stubs: await startStubs({ directory: DIRECTORY, processes, tools }),
    mint,
    keys: {
      jwksFile: write('jwks.json', mint.jwks),
      rsaPublicPemFile: write('rsa.pem', mint.rsaPublicPem),
      audience: AUDIENCE,
    },
    tokensFile: write('tokens.txt', mint.mint('RS256', TOKENS).join('\n')),
    call: question('call.json', CALL_BODY, CALL_ANSWER.length),
    // Its answer is filtered, so it may have any length.
    list: question('list.json', LIST_BODY, undefined),
    say,
  }
}

function question(name: string, body: string, answerBytes: number | undefined): Question {
  return { body, bodyFile: write(name, body), answerBytes }
}

function write(name: string, text: string): string {
  const file = path.join(DIRECTORY, name)
  writeFileSync(file, text)
  return file
}
