/** `gatehouse connections` and `gatehouse vault`: accounts that people have connected, at a running gateway. */
import type { AskAdmin } from './admin-client.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Command, Io } from './io.ts'
import { misused, readArgs, type ValuesOf } from './usage.ts'

/** Connections asked for at once while listing. */
const PAGE = 500

const LIST = `Usage: gatehouse connections list [--provider NAME] [--subject SUBJECT] [OPTIONS]

Prints the accounts that people have connected, one a line: whose, where, how they are. Never a token.

  --provider NAME    only those of this provider
  --subject SUBJECT  only those of this person
${ADMIN_USAGE}`

const HEALTH = `Usage: gatehouse connections health [OPTIONS]

Prints how many connections each provider has, by state. The exit code is 1 when some are dead.

${ADMIN_USAGE}`

const REVOKE = `Usage: gatehouse connections revoke --provider NAME --issuer ISSUER --subject SUBJECT [OPTIONS]

Forgets a connection and revokes its tokens at the provider, where that has an endpoint for it.

  --provider NAME    the provider
  --issuer ISSUER    who names the person
  --subject SUBJECT  the person
  --tenant TENANT    default: default
  --account ACCOUNT  which of the person's accounts; default: default
${ADMIN_USAGE}`

const ROTATE = `Usage: gatehouse vault rotate [OPTIONS]

Seals every connection, and the signing keys, under the current key of the key ring. After that the old
keys can leave the ring.

${ADMIN_USAGE}`

const OPTIONS = {
  ...ADMIN_OPTIONS,
  provider: { type: 'string' },
  issuer: { type: 'string' },
  subject: { type: 'string' },
  tenant: { type: 'string' },
  account: { type: 'string' },
} as const

type Values = ValuesOf<typeof OPTIONS>

type Verb = {
  readonly usage: string
  readonly does: (ask: AskAdmin, values: Values, io: Io) => Promise<number>
}

/** `gatehouse connections list`. */
export const connectionsList: Command = verb({ usage: LIST, does: list })

/** `gatehouse connections health`. Resolves with 1 when a connection is dead. */
export const connectionsHealth: Command = verb({ usage: HEALTH, does: health })

/** `gatehouse connections revoke`. */
export const connectionsRevoke: Command = verb({ usage: REVOKE, does: revoke })

/** `gatehouse vault rotate`. */
export const vaultRotate: Command = verb({ usage: ROTATE, does: rotate })

function verb({ usage, does }: Verb): Command {
  return async (args, io) => {
    const given = readArgs(args, { usage, options: OPTIONS }, io)
    if (given === undefined) return 0
    const { values } = given
    const options = { values, io, fetch: globalThis.fetch }
    return await withAdmin(options, (ask) => does(ask, values, io))
  }
}

async function list(ask: AskAdmin, { provider, subject }: Values, io: Io): Promise<number> {
  let after = ''
  let count = 0
  for (;;) {
    const page = await ask('GET', `/admin/connections?limit=${PAGE}${after}`)
    for (const row of rowsOf(page['connections'])) {
      if (provider !== undefined && row['provider'] !== provider) continue
      if (subject !== undefined && row['subject'] !== subject) continue
      io.out(lineOf(row))
      count += 1
    }
    if (typeof page['next'] !== 'string') break
    after = `&after=${encodeURIComponent(page['next'])}`
  }
  if (count === 0) io.out('nobody has connected anything')
  return 0
}

/** Names come from tokens and providers, so they are printed quoted. */
function lineOf(row: Readonly<Record<string, unknown>>): string {
  const { provider, account, state, issuer, subject, label, reason, refreshedAtSeconds } = row
  const parts = [
    `${String(provider)}/${String(account)}  ${String(state)}`,
    `${JSON.stringify(subject)} of ${JSON.stringify(issuer)}`,
  ]
  if (typeof label === 'string' && label !== '') parts.push(`as ${JSON.stringify(label)}`)
  if (typeof refreshedAtSeconds === 'number') {
    parts.push(`since ${new Date(refreshedAtSeconds * 1_000).toISOString().slice(0, 19)}Z`)
  }
  if (typeof reason === 'string') parts.push(`because ${reason}`)
  return parts.join('  ')
}

async function health(ask: AskAdmin, _values: Values, io: Io): Promise<number> {
  const { providers } = await ask('GET', '/admin/connections/health')
  const rows = rowsOf(providers)
  for (const { provider, state, count } of rows) {
    io.out(`${String(provider)}  ${String(state)}  ${String(count)}`)
  }
  if (rows.length === 0) io.out('nobody has connected anything')
  return rows.some(({ state }) => state === 'dead') ? 1 : 0
}

async function revoke(ask: AskAdmin, values: Values, io: Io): Promise<number> {
  const { provider, issuer, subject, tenant, account } = values
  if (provider === undefined || issuer === undefined || subject === undefined)
    return misused(io, 'give --provider, --issuer and --subject', REVOKE)
  await ask('POST', '/admin/connections/revoke', {
    provider,
    issuer,
    subject,
    ...(tenant !== undefined && { tenant }),
    ...(account !== undefined && { account }),
  })
  io.out(`revoked: ${provider} of ${JSON.stringify(subject)}`)
  return 0
}

async function rotate(ask: AskAdmin, _values: Values, io: Io): Promise<number> {
  const { sealed, unreadable } = await ask('POST', '/admin/vault/rotate')
  io.out(`${String(sealed)} connections are sealed under the current key`)
  if (unreadable === 0) return 0
  io.err(`${String(unreadable)} cannot be opened with any key of the ring`)
  return 1
}

function rowsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const rows: readonly unknown[] = Array.isArray(value) ? value : []
  return rows.flatMap((row) => (typeof row === 'object' && row !== null ? [{ ...row }] : []))
}
