/** Reads a JSON object with known fields from a body of the admin API. */
import { credentialFault } from '../identity/credential-text.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { MAX_BODY_CHARS, parseObject, readText } from './revocation-body.ts'

/** What a body holds, or why it is refused. */
export type ReadFields<T> = { readonly fields: T } | { readonly refused: AdminAnswer }

/**
 * @param known Every field there may be, and the type of its value.
 * @param required Those that must be there.
 */
export async function readFields<T extends object>(
  body: () => Promise<string>,
  known: { readonly [name in keyof T]-?: 'string' | 'number' },
  required: readonly (keyof T & string)[],
): Promise<ReadFields<T>> {
  const text = await readText(body)
  if (text === undefined || text.length > MAX_BODY_CHARS) {
    const message = `a body must not exceed ${MAX_BODY_CHARS} characters`
    return { refused: problem(413, 'too_large', message) }
  }
  const fields = parseObject(text)
  if (fields === undefined) return invalid('the body must be a JSON object')
  const types = new Map<string, unknown>(Object.entries(known))
  for (const [name, value] of Object.entries(fields)) {
    if (!types.has(name)) return invalid(`unknown field; known are ${[...types.keys()].join(', ')}`)
    const wanted = types.get(name) === 'string' ? 'text' : 'a number'
    if (typeof value !== types.get(name)) return invalid(`${name} must be ${wanted}`)
    const held = typeof value === 'string' ? credentialFault(name, value) : undefined
    if (held !== undefined) return invalid(held)
  }
  const missing = required.find((name) => fields[name] === undefined)
  if (missing !== undefined) return invalid(`${missing} is missing`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names and types have just been compared with `known`
  return { fields: fields as T }
}

function invalid(message: string): { readonly refused: AdminAnswer } {
  return { refused: problem(400, 'invalid', message) }
}
