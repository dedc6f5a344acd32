/** `gatehouse clients list` and `gatehouse clients revoke`: clients that registered themselves. */
import { parseArgs } from 'node:util'
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'

const LIST_USAGE = `Usage: gatehouse clients list [OPTIONS]

Lists the clients that registered themselves at the authorization server: id, kind, when they were
last used, the registration token they came with, the name they gave themselves.

  --json             one JSON object a line, for programs
${ADMIN_USAGE}`

const REVOKE_USAGE = `Usage: gatehouse clients revoke ID… [OPTIONS]

Removes clients that registered themselves. Their tokens are refused at once, here, and within
seconds at other replicas.

${ADMIN_USAGE}`

/** Resolves with the exit code: 0 listed, 1 the gateway cannot be asked. */
export async function clientsList(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  const options = { ...ADMIN_OPTIONS, json: { type: 'boolean', default: false } } as const
  const { values } = parseArgs({ args: [...args], options })
  if (values.help === true) {
    io.out(LIST_USAGE)
    return 0
  }
  return withAdmin({ values, io, fetch }, async (ask) => {
    let listed = 0
    for (let after: unknown; ;) {
      const query = typeof after === 'string' ? `?after=${encodeURIComponent(after)}` : ''
      const page = await ask('GET', `/admin/clients${query}`)
      const clients: readonly unknown[] = Array.isArray(page['clients']) ? page['clients'] : []
      for (const client of clients) {
        io.out(values.json ? JSON.stringify(client) : describe(client))
        listed += 1
      }
      after = page['next']
      if (typeof after !== 'string') break
    }
    if (listed === 0 && !values.json) io.out('no client has registered itself')
    return 0
  })
}

/** Resolves with the exit code: 0 removed, 1 not, 2 used wrongly. */
export async function clientsRevoke(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: ADMIN_OPTIONS,
    allowPositionals: true,
  })
  if (values.help === true) {
    io.out(REVOKE_USAGE)
    return 0
  }
  if (positionals.length === 0) {
    io.err(`clients revoke: name a client\n\n${REVOKE_USAGE}`)
    return 2
  }
  return withAdmin({ values, io, fetch }, async (ask) => {
    for (const id of positionals) {
      await ask('DELETE', `/admin/clients/${encodeURIComponent(id)}`)
      io.out(`removed ${JSON.stringify(id)}`)
    }
    return 0
  })
}

/** Names come from clients, so they are printed quoted. */
function describe(client: unknown): string {
  const { id, kind, usedAtMs, token, name } = fieldsOf(client)
  const used = typeof usedAtMs === 'number' ? new Date(usedAtMs).toISOString() : '?'
  const came = typeof token === 'string' ? `with ${token}` : 'by itself'
  return `${String(id)}  ${String(kind)}  used ${used}  ${came}  ${JSON.stringify(name)}`
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
