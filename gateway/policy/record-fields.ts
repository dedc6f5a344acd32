/** The values of an audit record, by what they should be; a line may have been written by anybody. */

export type Fields = Readonly<Record<string, unknown>>

/** The record in a line; undefined for what is none. */
export function parseRecord(line: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** The members of an object; undefined for anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

/** An array; empty for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The texts in an array; empty for anything else. */
export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((one) => typeof one === 'string')
}

/** A text; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A number; 0 for anything else. */
export function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
