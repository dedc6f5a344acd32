/** `gatehouse apikeys new`: an API key, shown once, and the entry that makes the gateway know it. */
import { randomBytes } from 'node:crypto'
import type { NewApiKey } from '../identity/api-keys.ts'
import { newApiKey } from '../identity/api-keys.ts'
import type { Io } from './io.ts'
import type { KeySources } from './keys-new.ts'
import { misused, readArgs } from './usage.ts'

const USAGE = `Usage: gatehouse apikeys new --client NAME [OPTIONS]

Prints a new API key and the entry to put under api_keys: in the configuration. The key is
shown this once; the entry holds only its hash.

  --client NAME    the client; keep the name when the key is replaced, and limits carry over
  --subject NAME   who the caller is; default: the client
  --owner NAME     the person or team that answers for it; default: the client
  --kind KIND      agent, human or service; default: agent
  --scope SCOPE    a scope the key carries; may be given again
  --group GROUP    a group the caller belongs to; may be given again
  --server NAME    a server the key works on, default all; may be given again
  --expires LIFE   how long it lives: 12h, 90d or 52w; default: no end`

const OPTIONS = {
  client: { type: 'string' },
  subject: { type: 'string' },
  owner: { type: 'string' },
  kind: { type: 'string' },
  scope: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  server: { type: 'string', multiple: true },
  expires: { type: 'string' },
} as const

type Values = {
  readonly client?: string
  readonly subject?: string
  readonly owner?: string
  readonly kind?: string
  readonly scope?: readonly string[]
  readonly group?: readonly string[]
  readonly server?: readonly string[]
}

const KINDS = ['agent', 'human', 'service']

const SECONDS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['h', 3_600],
  ['d', 86_400],
  ['w', 604_800],
])

/** Ten years: a longer life is a key that nobody will remember. */
const MAX_LIFE_SECONDS = 10 * 365 * 86_400

/** Resolves with the exit status: 0 printed, 2 used wrongly. */
export async function apikeysNew(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
  sources: KeySources = { now: Date.now, randomBytes },
): Promise<number> {
  const given = readArgs(args, { usage: USAGE, options: OPTIONS }, io)
  if (given === undefined) return 0
  const { values } = given
  const lifeSeconds = readLife(values.expires)
  const problem = problemOf(values, lifeSeconds)
  if (problem !== undefined) return misused(io, problem, USAGE)
  const key = newApiKey(sources.randomBytes)
  const expiresAtMs = sources.now() + (lifeSeconds ?? 0) * 1000
  io.out('The key, shown this once:\n')
  io.out(`  ${key.text}\n`)
  io.out('Its entry for the configuration:\n')
  io.out('api_keys:')
  for (const line of entryLines(key, values)) io.out(line)
  if (lifeSeconds !== undefined) io.out(`    expires: ${quoted(timeText(expiresAtMs))}`)
  return 0
}

function problemOf({ client, kind, scope }: Values, lifeSeconds: number | undefined) {
  if (client === undefined || client === '') return '--client is missing'
  if (kind !== undefined && !KINDS.includes(kind))
    return `--kind must be one of ${KINDS.join(', ')}`
  if (scope?.some((one) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one)) === true) {
    return '--scope takes one scope: no spaces, quotes or backslashes'
  }
  if (Number.isNaN(lifeSeconds))
    return '--expires must look like 12h, 90d or 52w, at most ten years'
  return undefined
}

/** Undefined when no life is asked for, NaN when it cannot be read. */
function readLife(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, count = '', unit = ''] = /^(\d{1,6})([hdw])$/.exec(text) ?? []
  const seconds = Number(count) * (SECONDS_PER_UNIT.get(unit) ?? NaN)
  return seconds > 0 && seconds <= MAX_LIFE_SECONDS ? seconds : NaN
}

function* entryLines(key: NewApiKey, values: Values): Generator<string> {
  const client = values.client ?? ''
  yield `  - prefix: ${quoted(key.prefix)}`
  yield `    sha256: ${quoted(key.sha256)}`
  yield `    subject: ${quoted(values.subject ?? client)}`
  yield `    client: ${quoted(client)}`
  yield `    owner: ${quoted(values.owner ?? client)}`
  yield `    kind: ${values.kind ?? 'agent'}`
  yield* listLines('scopes', values.scope)
  yield* listLines('groups', values.group)
  yield* listLines('servers', values.server)
}

function* listLines(name: string, items: readonly string[] = []): Generator<string> {
  if (items.length > 0) yield `    ${name}: [${items.map(quoted).join(', ')}]`
}

/** JSON strings are YAML strings, whatever is in them. */
function quoted(text: string): string {
  return JSON.stringify(text)
}

/** RFC 3339 in whole seconds. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
