/** `gatehouse revoke`: ends tokens, grants, sessions, clients and subjects at a running gateway. */
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import { apiKeyPrefix, credentialFault } from '../identity/credential-text.ts'
import type { AskAdmin } from './admin-client.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'
import { misused, readArgs, type ValuesOf } from './usage.ts'

const USAGE = `Usage: gatehouse revoke --token JTI --issuer ISSUER
       gatehouse revoke --subject SUBJECT --issuer ISSUER
       gatehouse revoke --api-key PREFIX | --client CLIENT | --grant GRANT | --session SESSION
       gatehouse revoke --list
       gatehouse revoke --lift ID

Revokes at a running gateway: at once there, within seconds at others on the same state store.

  --token JTI        one token, by its jti and never by its text; the entry ends when no such token
                     could live any more
  --subject SUBJECT  everything issued to the subject until now; later tokens work
  --api-key PREFIX   an API key, by the 8 characters after ghk_, until lifted
  --client CLIENT    all tokens of a client, until lifted
  --grant GRANT      all tokens of a grant (gid), until lifted
  --session SESSION  all tokens of a session (sid), until lifted
  --issuer ISSUER    only what this issuer issued; needed for tokens and subjects
  --reason REASON    why, for whoever reads the list
  --list             print what is revoked
  --lift ID          take an entry off the list
${ADMIN_USAGE}`

const OPTIONS = {
  ...ADMIN_OPTIONS,
  token: { type: 'string' },
  subject: { type: 'string' },
  'api-key': { type: 'string' },
  client: { type: 'string' },
  grant: { type: 'string' },
  session: { type: 'string' },
  issuer: { type: 'string' },
  reason: { type: 'string' },
  list: { type: 'boolean' },
  lift: { type: 'string' },
} as const

type Values = ValuesOf<typeof OPTIONS>

/** Revocations asked for at once while listing. */
const PAGE = 1000

/** Options that say what to do; exactly one of them must be given. */
const GOALS = ['token', 'subject', 'api-key', 'client', 'grant', 'session', 'list', 'lift'] as const

type Goal =
  | { readonly verb: 'revoke'; readonly body: Readonly<Record<string, string>> }
  | { readonly verb: 'list' }
  | { readonly verb: 'lift'; readonly id: string }
  | { readonly verb: 'wrong'; readonly problem: string }

/** Resolves with the exit code: 0 done, 1 refused, 2 used wrongly. */
export async function revoke(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  const given = readArgs(args, { usage: USAGE, options: OPTIONS }, io)
  if (given === undefined) return 0
  const { values } = given
  const goal = readGoal(values)
  if (goal.verb === 'wrong') return misused(io, goal.problem, USAGE)
  return withAdmin({ values, io, fetch }, async (ask) => {
    if (goal.verb === 'list') await list(ask, io)
    else if (goal.verb === 'lift') await lift(ask, io, goal.id)
    else await add(ask, io, goal.body)
    return 0
  })
}

function readGoal(values: Values): Goal {
  const given = GOALS.filter((goal) => values[goal] !== undefined)
  const [goal] = given
  if (goal === undefined || given.length > 1) {
    return wrong(`give exactly one of ${GOALS.map((name) => `--${name}`).join(', ')}`)
  }
  const value = values[goal]
  if (value === '') return wrong(`--${goal} is empty`)
  const { issuer, reason } = values
  const held = heldCredential(goal, values)
  if (held !== undefined) return wrong(held)
  const unused = unusedOf(goal, values)
  if (unused !== undefined) return wrong(`${unused} says nothing with --${goal}`)
  if (value === undefined || typeof value === 'boolean') return { verb: 'list' }
  if (goal === 'lift') return { verb: 'lift', id: value }
  if ((goal === 'token' || goal === 'subject') && issuer === undefined) {
    return wrong(`--${goal} needs --issuer`)
  }
  const named =
    goal === 'api-key'
      ? { kind: 'token', issuer: API_KEY_ISSUER }
      : { kind: goal, ...(issuer === undefined ? {} : { issuer }) }
  const name = goal === 'api-key' ? apiKeyPrefix(value) : value
  const said = reason === undefined ? {} : { reason }
  return { verb: 'revoke', body: { ...named, value: name, ...said } }
}

/** A credential in any of the values is not even sent; of an API key only the prefix is. */
function heldCredential(goal: (typeof GOALS)[number], values: Values): string | undefined {
  for (const name of [goal, 'issuer', 'reason'] as const) {
    const text = values[name]
    if (typeof text !== 'string') continue
    const fault = credentialFault(`--${name}`, name === 'api-key' ? apiKeyPrefix(text) : text)
    if (fault !== undefined) return fault
  }
  return undefined
}

function unusedOf(goal: (typeof GOALS)[number], values: Values): string | undefined {
  const revokes = goal !== 'list' && goal !== 'lift'
  if (values.reason !== undefined && !revokes) return '--reason'
  if (values.issuer !== undefined && (!revokes || goal === 'api-key')) return '--issuer'
  return undefined
}

function wrong(problem: string): Goal {
  return { verb: 'wrong', problem }
}

async function add(ask: AskAdmin, io: Io, body: Readonly<Record<string, string>>): Promise<void> {
  const made = await ask('POST', '/admin/revocations', body)
  io.out(`revoked: ${describe(made)}`)
  if (typeof made['warning'] === 'string') io.err(`warning: ${made['warning']}`)
}

async function lift(ask: AskAdmin, io: Io, id: string): Promise<void> {
  await ask('DELETE', `/admin/revocations/${encodeURIComponent(id)}`)
  io.out(`lifted: ${id}`)
}

async function list(ask: AskAdmin, io: Io): Promise<void> {
  let after = ''
  let count = 0
  for (;;) {
    const page = await ask('GET', `/admin/revocations?limit=${PAGE}${after}`)
    const entries = Array.isArray(page['revocations']) ? page['revocations'] : []
    for (const entry of entries as unknown[]) {
      io.out(describe(typeof entry === 'object' && entry !== null ? { ...entry } : {}))
      count += 1
    }
    if (typeof page['next'] !== 'string') break
    after = `&after=${encodeURIComponent(page['next'])}`
  }
  if (count === 0) io.out('nothing is revoked')
}

/** One line for one entry. Values come from tokens, so they are printed quoted. */
function describe(entry: Readonly<Record<string, unknown>>): string {
  const { id, kind, value, issuer, by, reason, createdAtSeconds, expiresAtSeconds } = entry
  const parts = [`${String(id)}  ${String(kind)} ${JSON.stringify(value)}`]
  if (issuer !== undefined) parts.push(`of ${JSON.stringify(issuer)}`)
  parts.push(`since ${timeText(createdAtSeconds)}`)
  parts.push(
    expiresAtSeconds === undefined ? 'until lifted' : `until ${timeText(expiresAtSeconds)}`,
  )
  parts.push(`by ${JSON.stringify(by)}`)
  if (reason !== undefined) parts.push(`because ${JSON.stringify(reason)}`)
  return parts.join(' ')
}

/** RFC 3339 in whole seconds. */
function timeText(seconds: unknown): string {
  if (typeof seconds !== 'number') return '?'
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
