/** Listing pinned tool definitions and accepting changed ones by the admin API. */
import type { Pins } from '../registry/pins.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { plainText } from './claimed-actor.ts'
import { MAX_BODY_CHARS } from './revocation-body.ts'

const FIELDS = ['server', 'tool', 'definition']

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
  const fields = await readFields(request.body)
  if (fields === undefined) {
    return problem(
      400,
      'invalid',
      `the body must be a JSON object of ${FIELDS.join(', ')}, all text`,
    )
  }
  const { server, tool, definition } = fields
  if (server === undefined || tool === undefined) {
    return problem(400, 'invalid', 'server and tool are needed')
  }
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

async function readFields(
  body: () => Promise<string>,
): Promise<Readonly<Partial<Record<string, string>>> | undefined> {
  const text = await body().catch(() => '')
  if (text.length > MAX_BODY_CHARS) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const fields: Record<string, string> = {}
    for (const [name, field] of Object.entries(value)) {
      if (!FIELDS.includes(name) || typeof field !== 'string') return undefined
      fields[name] = field
    }
    return fields
  } catch {
    return undefined
  }
}
