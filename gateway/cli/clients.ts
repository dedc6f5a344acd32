/** `gatehouse clients list` and `gatehouse clients revoke`: clients that registered themselves. */
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'
import { misused, readArgs } from './usage.ts'

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
  const given = readArgs(args, { usage: LIST_USAGE, options }, io)
  if (given === undefined) return 0
  const { values } = given
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
  const given = readArgs(
    args,
    { usage: REVOKE_USAGE, options: ADMIN_OPTIONS, takesWords: true },
    io,
  )
  if (given === undefined) return 0
  const { values, words } = given
  if (words.length === 0) return misused(io, 'clients revoke: name a client', REVOKE_USAGE)
  return withAdmin({ values, io, fetch }, async (ask) => {
    for (const id of words) {
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
