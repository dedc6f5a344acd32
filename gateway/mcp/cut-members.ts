/** Takes members out of an object of a frame that has been scanned, each with one comma. */
import type { Edit } from './edit.ts'

const [QUOTE, COMMA] = [0x22, 0x2c]

/** The bytes of JSON's insignificant white space, and the colon behind a name. */
const BLANK: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
const COLON = 0x3a

/**
 * The edits that take them out.
 *
 * @param values Where their values stand, all in one object. Names have no quote in them.
 */
export function cutMembers(
  bytes: Uint8Array,
  values: readonly { readonly start: number; readonly end: number }[],
): readonly Edit[] {
  const cuts: { start: number; end: number }[] = []
  for (const value of values.toSorted((one, other) => one.start - other.start)) {
    let start = nameStart(bytes, value.start)
    const after = skipBlanks(bytes, value.end)
    if (bytes[after] === COMMA) {
      cuts.push({ start, end: after + 1 })
      continue
    }
    // The last member goes with the comma before it, which may be gone with the member before it.
    start = commaBefore(bytes, start)
    for (let last = cuts.at(-1); last !== undefined && last.end > start; last = cuts.at(-1)) {
      start = commaBefore(bytes, last.start)
      cuts.pop()
    }
    cuts.push({ start, end: value.end })
  }
  return cuts.map((cut) => ({ ...cut, text: '' }))
}

/** Where the name of the member begins whose value begins here. */
function nameStart(bytes: Uint8Array, value: number): number {
  let at = value - 1
  while (BLANK.has(bytes[at] ?? 0) || bytes[at] === COLON) at -= 1
  // At the closing quote of the name.
  at -= 1
  while (bytes[at] !== QUOTE) at -= 1
  return at
}

function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from
  while (BLANK.has(bytes[at] ?? 0)) at += 1
  return at
}

/** The comma before this place; the place itself where there is none. */
function commaBefore(bytes: Uint8Array, from: number): number {
  let at = from - 1
  while (BLANK.has(bytes[at] ?? 0)) at -= 1
  return bytes[at] === COMMA ? at : from
}
