/** A gateway that is its own authorization server, for agents that register with a token of the operator. */
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { PORTS, PROXY_CORE } from '../constants.ts'
import type { Target } from '../generator/job.ts'
import type { Processes } from '../processes.ts'
import { TOOL } from '../traffic.ts'
import { MCP_PATH, targetOn } from '../variants/variant.ts'

const PROGRAM = fileURLToPath(new URL('../../../gateway/cli/main.ts', import.meta.url))

export type Issuing = {
  readonly origin: string
  readonly pid: number
  /** The MCP endpoint. */
  readonly calls: Target
  /** What agents register with. */
  readonly registrationToken: string
}

export type IssuingOptions = {
  readonly directory: string
  readonly processes: Processes
  readonly upstream: Target
}

/** Starts it; it ends with `processes.stopAll`. State is in SQLite, as it is by default. */
export async function startIssuing(options: IssuingOptions): Promise<Issuing> {
  const { processes, upstream } = options
  const directory = path.join(options.directory, 'issuing')
  mkdirSync(directory, { recursive: true })
  const port = PORTS.firstVariant
  const origin = `http://127.0.0.1:${port}`
  const registrationToken = `ghr_${randomBytes(32).toString('base64url')}`
  const write = (name: string, document: unknown): string => {
    const file = path.join(directory, name)
    // Every JSON document is YAML.
    writeFileSync(file, JSON.stringify(document, undefined, 2))
    return file
  }
  write('policy.yaml', {
    version: 1,
    rules: [{ id: 'fleet', effect: 'allow', subjects: [{ kind: 'agent' }], tools: [`*/${TOOL}`] }],
  })
  const fleet = {
    sha256: hash('sha256', registrationToken),
    grants: ['client_credentials'],
    idle: '1h',
    max_clients: 100_000,
  }
  const url = `http://${upstream.host}:${upstream.port}${upstream.path}`
  const config = write('gatehouse.yaml', {
    version: 1,
    public_url: origin,
    listen: { port },
    ops: { port: port + 1 },
    issuers: [],
    authorization_server: {
      registration: { mode: 'token', tokens: { fleet } },
      // All of it comes from one address.
      limits: { network: 'none' },
    },
    servers: { bench: { path: MCP_PATH, upstream: { url, max_connections: 4096 } } },
    policies: ['policy.yaml'],
    audit: { sink: path.join(directory, 'audit.jsonl') },
    state: { driver: 'sqlite', file: 'gatehouse.db' },
  })
  const { pid } = await processes.start({
    name: 'issuing',
    command: process.execPath,
    args: [PROGRAM, 'serve', '-c', config],
    core: PROXY_CORE,
    port,
  })
  return { origin, pid, calls: targetOn(port), registrationToken }
}
