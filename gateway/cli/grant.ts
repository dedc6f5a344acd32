/** `gatehouse grant create | list | end`: grants at a running gateway. */
import { credentialFault } from '../identity/credential-text.ts'
import { durationMs } from '../policy/duration.ts'
import type { AskAdmin } from './admin-client.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'
import { misused, readArgs, type ValuesOf } from './usage.ts'

type Fetch = typeof globalThis.fetch

const CREATE_USAGE = `Usage: gatehouse grant create --rule RULE --issuer ISSUER --subject SUBJECT [OPTIONS]

Makes a rule that has 'grant' hold for somebody, at a running gateway: at once there, a moment later
at others on the same state store. What is left out is as the rule says; nothing can exceed it.

  --rule RULE        the id of the rule
  --issuer ISSUER    who vouches for the subject; urn:gatehouse:api-key for API keys
  --subject SUBJECT  for whom
  --client CLIENT    only with this client; default: whichever the subject uses
  --ttl DURATION     how long: 30s, 10m, 2h, 7d
  --uses N           how many calls
  --task TASK        the task it serves: the taskId of a task at an MCP server, whose end ends it, or any
                     other name, which 'gatehouse grant end --task' ends
  --reason REASON    why, for whoever reads the list
${ADMIN_USAGE}`

const LIST_USAGE = `Usage: gatehouse grant list [--json] [OPTIONS]

Prints the grants of a running gateway, also those that are used up.

  --json             one JSON object a line, for programs
${ADMIN_USAGE}`

const END_USAGE = `Usage: gatehouse grant end ID
       gatehouse grant end --task TASK

Ends a grant, or all that serve a task that is done. Calls under way that it allowed are ended too.

${ADMIN_USAGE}`

const CREATE_OPTIONS = {
  ...ADMIN_OPTIONS,
  rule: { type: 'string' },
  issuer: { type: 'string' },
  subject: { type: 'string' },
  client: { type: 'string' },
  ttl: { type: 'string' },
  uses: { type: 'string' },
  task: { type: 'string' },
  reason: { type: 'string' },
} as const

/** Resolves with the exit code: 0 done, 1 refused, 2 used wrongly. */
export async function grantCreate(
  args: readonly string[],
  io: Io,
  fetch: Fetch = globalThis.fetch,
): Promise<number> {
  const given = readArgs(args, { usage: CREATE_USAGE, options: CREATE_OPTIONS }, io)
  if (given === undefined) return 0
  const { values } = given
  const body = readCreate(values)
  if (typeof body === 'string') return misused(io, body, CREATE_USAGE)
  return withAdmin({ values, io, fetch }, async (ask) => {
    io.out(`granted: ${describe(await ask('POST', '/admin/grants', body))}`)
    return 0
  })
}

/** The same for `grant list`. */
export async function grantList(
  args: readonly string[],
  io: Io,
  fetch: Fetch = globalThis.fetch,
): Promise<number> {
  const options = { ...ADMIN_OPTIONS, json: { type: 'boolean', default: false } } as const
  const given = readArgs(args, { usage: LIST_USAGE, options }, io)
  if (given === undefined) return 0
  const { values } = given
  return withAdmin({ values, io, fetch }, async (ask) => {
    const grants = arrayOf((await ask('GET', '/admin/grants'))['grants'])
    for (const grant of grants) {
      const fields = typeof grant === 'object' && grant !== null ? { ...grant } : {}
      io.out(values.json ? JSON.stringify(fields) : describe(fields))
    }
    if (grants.length === 0 && !values.json) io.out('nothing is granted')
    return 0
  })
}

/** The same for `grant end`. */
export async function grantEnd(
  args: readonly string[],
  io: Io,
  fetch: Fetch = globalThis.fetch,
): Promise<number> {
  const given = readArgs(
    args,
    { usage: END_USAGE, options: { ...ADMIN_OPTIONS, task: { type: 'string' } }, takesWords: true },
    io,
  )
  if (given === undefined) return 0
  const { values, words } = given
  const [id] = words
  const { task } = values
  if (words.length > 1 || (id === undefined) === (task === undefined)) {
    return misused(io, 'name one grant, or one task', END_USAGE)
  }
  return withAdmin({ values, io, fetch }, (ask) => end(ask, io, { id, task }))
}

async function end(
  ask: AskAdmin,
  io: Io,
  { id = '', task }: { readonly id: string | undefined; readonly task: string | undefined },
): Promise<number> {
  const path =
    task === undefined
      ? `/admin/grants/${encodeURIComponent(id)}`
      : `/admin/grants?task=${encodeURIComponent(task)}`
  const ended = arrayOf((await ask('DELETE', path))['ended'])
  for (const one of ended) io.out(`ended: ${String(one)}`)
  if (ended.length === 0) io.out('no grant serves this task')
  return 0
}

type CreateValues = ValuesOf<typeof CREATE_OPTIONS>

/** The body to send, or what is wrong with the options. */
function readCreate(values: CreateValues): Readonly<Record<string, string | number>> | string {
  const { rule, issuer, subject, client, task, reason, ttl, uses } = values
  const texts = { rule, issuer, subject, client, task, reason }
  const body: Record<string, string | number> = {}
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined) continue
    const fault = text === '' ? `--${name} is empty` : credentialFault(`--${name}`, text)
    if (fault !== undefined) return fault
    body[name] = text
  }
  const missing = ['rule', 'issuer', 'subject'].find((name) => body[name] === undefined)
  if (missing !== undefined) return `--${missing} is missing`
  if (ttl !== undefined) {
    const ms = durationMs(ttl)
    if (ms === undefined) return `--ttl must be a duration such as 30s, 10m, 2h or 7d, not '${ttl}'`
    body['ttlSeconds'] = ms / 1000
  }
  if (uses !== undefined) {
    if (!/^[1-9]\d{0,8}$/.test(uses)) return `--uses must be a whole number, not '${uses}'`
    body['maxUses'] = Number(uses)
  }
  return body
}

/** One line for one grant. Values come from tokens and people, so they are printed quoted. */
function describe(grant: Readonly<Record<string, unknown>>): string {
  const { id, rule, subject, issuer, client, task, maxUses, usedUp, by, reason } = grant
  const parts = [
    `${String(id)}  ${String(rule)} for ${JSON.stringify(subject)} of ${JSON.stringify(issuer)}`,
  ]
  if (client !== undefined) parts.push(`with ${JSON.stringify(client)}`)
  const { expiresAtSeconds: ends } = grant
  parts.push(typeof ends === 'number' ? `until ${timeText(ends)}` : 'until ended')
  if (maxUses !== undefined) parts.push(`for ${JSON.stringify(maxUses)} uses`)
  if (usedUp === true) parts.push('(used up)')
  if (task !== undefined) parts.push(`task ${JSON.stringify(task)}`)
  parts.push(`by ${JSON.stringify(by)}`)
  if (reason !== undefined) parts.push(`because ${JSON.stringify(reason)}`)
  return parts.join(' ')
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** RFC 3339 in whole seconds. */
function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
