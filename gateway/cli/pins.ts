/** `gatehouse pins list` and `gatehouse pins accept`: tools whose definition a server has changed. */
import { ADMIN_OPTIONS, ADMIN_USAGE, withAdmin } from './admin-client.ts'
import type { Io } from './io.ts'
import { misused, readArgs } from './usage.ts'

const LIST_USAGE = `Usage: gatehouse pins list [OPTIONS]

Lists the tools whose definition has changed and that nobody has accepted yet, with what they were and
what they are now.

  --all              every tool that is pinned, without the texts
  --json             the answer as it came, for programs
${ADMIN_USAGE}`

const ACCEPT_USAGE = `Usage: gatehouse pins accept SERVER TOOL [OPTIONS]

Accepts the definition a tool has changed to: it is listed and may be called again.

  --definition HASH  another of its definitions, as "pins list" names them; the changed one is then no
                     longer a choice, and is held again when it is seen again
${ADMIN_USAGE}`

/** Hash of a definition as it is shown: enough to tell a few apart. */
const SHOWN_HASH_CHARS = 12

/** Resolves with the exit code: 0 listed, 1 the gateway cannot be asked. */
export async function pinsList(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  const options = {
    ...ADMIN_OPTIONS,
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  } as const
  const given = readArgs(args, { usage: LIST_USAGE, options }, io)
  if (given === undefined) return 0
  const { values } = given
  return withAdmin({ values, io, fetch }, async (ask) => {
    const answer = await ask('GET', `/admin/pins${values.all ? '?all' : ''}`)
    if (values.json) {
      io.out(JSON.stringify(answer, undefined, 2))
      return 0
    }
    const tools = listOf(answer['tools'])
    if (tools.length === 0) io.out(values.all ? 'nothing is pinned' : 'nothing has changed')
    for (const tool of tools) for (const line of describe(tool)) io.out(line)
    return 0
  })
}

/** Resolves with the exit code: 0 accepted, 1 not, 2 used wrongly. */
export async function pinsAccept(
  args: readonly string[],
  io: Io,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<number> {
  const options = { ...ADMIN_OPTIONS, definition: { type: 'string' } } as const
  const given = readArgs(args, { usage: ACCEPT_USAGE, options, takesWords: true }, io)
  if (given === undefined) return 0
  const { values, words } = given
  const [server, tool, ...more] = words
  if (server === undefined || tool === undefined || more.length > 0)
    return misused(io, 'pins accept: name a server and a tool', ACCEPT_USAGE)
  return withAdmin({ values, io, fetch }, async (ask) => {
    const definition = values.definition === undefined ? {} : { definition: values.definition }
    await ask('POST', '/admin/pins/accept', { server, tool, ...definition })
    io.out(`accepted ${JSON.stringify(tool)} of ${JSON.stringify(server)}`)
    return 0
  })
}

/** Texts come from servers, so they are printed quoted. */
function* describe(tool: Fields): Generator<string> {
  const state = tool['held'] === true ? 'CHANGED' : 'pinned'
  yield `${state}  ${quote(tool['server'])} ${quote(tool['tool'])}`
  for (const { hash, state: how, sinceMs, by, text } of listOf(tool['definitions'])) {
    const since = typeof sinceMs === 'number' ? new Date(sinceMs).toISOString() : '?'
    const who = typeof by === 'string' ? ` by ${quote(by)}` : ''
    yield `  ${String(how)} ${String(hash).slice(0, SHOWN_HASH_CHARS)} since ${since}${who}`
    if (typeof text === 'string') yield `    ${quote(text)}`
  }
}

type Fields = Readonly<Record<string, unknown>>

function listOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((one: unknown) =>
    typeof one === 'object' && one !== null ? [{ ...one }] : [],
  )
}

function quote(text: unknown): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?')
}
