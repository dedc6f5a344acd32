/** What `make load` aims at: a gateway with its own authorization server, in front of a stub MCP server. */
import { hash, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Child, NODE, startChild } from '../../gateway/testkit/child.ts'
import { startFleet } from '../../gateway/testkit/fleet.ts'
import { freePort } from '../../gateway/testkit/free-port.ts'
import { startGatehouse, type TestGatehouse } from '../../gateway/testkit/gatehouse.ts'
import { TOOL } from '../bench/traffic.ts'
import { CALLER, type World } from '../scenarios/scenario.ts'

const UPSTREAM = fileURLToPath(new URL('upstream.ts', import.meta.url))

const SERVER = 'load'

/** As many agents as the stated load has. */
const CALLERS = 1000

/** Agents registered side by side. */
const AT_ONCE = 50

/** Long enough for the longest run. */
const TOKEN_SECONDS = 7_200

export type RunningWorld = World & {
  readonly gateway: TestGatehouse
  /** The server behind it, as it runs now. */
  upstream(): Child
  /** An access token of a caller of that name. */
  mint(subject: string): Promise<string>
  /** Ends the server and starts it anew, in the same place. */
  restartUpstream(): Promise<void>
  stop(): Promise<void>
}

/** Starts both, mints tokens, and registers clients. */
export async function startWorld(): Promise<RunningWorld> {
  const port = await freePort()
  let upstream = await startUpstream(port)
  const registrationToken = `ghr_${randomBytes(32).toString('base64url')}`
  const gateway = await startGatehouse({
    servers: {
      [SERVER]: {
        // Every open stream has a connection of its own.
        upstream: { url: `http://127.0.0.1:${port}/mcp`, max_connections: 4096 },
      },
    },
    rules: [
      {
        id: 'load',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: [`${SERVER}/${TOOL}`],
        methods: ['notifications/message'],
      },
    ],
    config: {
      authorization_server: {
        // All of it comes from one address.
        limits: { network: 'none' },
        registration: {
          mode: 'token',
          tokens: { fleet: { sha256: hash('sha256', registrationToken), max_clients: 10_000 } },
        },
      },
    },
  })
  const url = gateway.url(SERVER)
  const mint = (subject: string): Promise<string> =>
    gateway.token(SERVER, { subject, expiresInSeconds: TOKEN_SECONDS })
  const tokens = await Promise.all(
    Array.from({ length: CALLERS }, (_, at) => mint(`${CALLER}${at}`)),
  )
  return {
    url,
    tokens,
    clients: await registerClients({ origin: gateway.origin, resource: url, registrationToken }),
    sessions: [],
    tool: TOOL,
    arguments: '{"query":"the quarterly report","limit":10}',
    registrationToken,
    ops: gateway.ops,
    adminToken: gateway.adminToken,
    gateway,
    mint,
    upstream: () => upstream,
    restartUpstream: async () => {
      await upstream.stop()
      upstream = await startUpstream(port)
    },
    stop: async () => {
      await gateway.stop()
      await upstream.stop()
    },
  }
}

async function startUpstream(port: number): Promise<Child> {
  const child = startChild({ command: NODE, args: [UPSTREAM, String(port)] })
  await child.waitFor(/upstream listens/)
  return child
}

/** The `Authorization` of each. */
async function registerClients(options: {
  readonly origin: string
  readonly resource: string
  readonly registrationToken: string
}): Promise<readonly string[]> {
  const headers: string[] = []
  while (headers.length < CALLERS) {
    const agents = await startFleet({ ...options, count: AT_ONCE })
    for (const { id, secret } of agents) {
      headers.push(`Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`)
    }
  }
  return headers
}
