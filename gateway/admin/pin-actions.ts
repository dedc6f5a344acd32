/** Listing pinned tool definitions and accepting changed ones by the admin API. */
import type { Pins } from '../registry/pins.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { plainText } from './claimed-actor.ts'
import { readFields } from './read-fields.ts'

/** What is accepted. */
type Accepted = { readonly server: string; readonly tool: string; readonly definition?: string }

const FIELDS = { server: 'string', tool: 'string', definition: 'string' } as const

/** `GET /admin/pins`: the tools whose definition has changed; with `?all` every tool that is pinned. */
export async function listPins(query: URLSearchParams, pins: Pins): Promise<AdminAnswer> {
  const unknown = [...query.keys()].find((name) => name !== 'all')
  if (unknown !== undefined) return problem(400, 'invalid', 'known here: all')
  const tools = await pins.list(query.has('all') ? 'all' : 'held')
  return { status: 200, body: { tools } }
}

/**
 * `POST /admin/pins/accept` with `server`, `tool` and, where more than one definition is there to choose
 * from, its hash in `definition`.
 */
export async function acceptPin(
  request: { readonly query: URLSearchParams; readonly body: () => Promise<string> },
  pins: Pins,
  by: string,
): Promise<AdminAnswer> {
  if (request.query.size > 0) return problem(400, 'invalid', 'no query is known here')
  const read = await readFields<Accepted>(request.body, FIELDS, ['server', 'tool'])
  if ('refused' in read) return read.refused
  const { server, tool, definition } = read.fields
  const done = await pins.accept({ server, tool, hash: definition, by })
  const detail = plainText(`${server} ${tool}`)
  if (done === 'several') {
    return problem(409, 'several', 'more than one definition has changed: name one', { detail })
  }
  if (!done) {
    const message = 'no such tool is pinned, it has not changed, or it has no such definition'
    return problem(404, 'not_found', message, { detail })
  }
  return { status: 200, body: { accepted: tool, server }, detail }
}
