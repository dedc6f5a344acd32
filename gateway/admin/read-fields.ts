/** Reads a JSON object with known fields from a body of the admin API. */
import { credentialFault } from '../identity/credential-text.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { readObject } from './read-object.ts'

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
  const read = await readObject(body)
  if ('refused' in read) return read
  const fields = read.members
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
