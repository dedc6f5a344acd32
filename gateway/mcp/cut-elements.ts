import { FRAME_BOUNDS } from './bounds.ts'
import type { Edit } from './edit.ts'
import { createCursor, type Cursor, peek } from './json-cursor.ts'
import { enterArray, nextElement, readText } from './json-value.ts'

/**
 * Passes the array at the cursor and notes in `edits` how the elements go that are not to stay, each with
 * one comma. False when there is a problem.
 *
 * @param stays Passes one element and says whether it stays.
 */
export function cutElements(
  cursor: Cursor,
  edits: Edit[],
  stays: (cursor: Cursor) => boolean,
): boolean {
  /** Start of the removed elements that nothing shown stands before. */
  let leading: number | undefined
  let anyStayed = false
  let end = cursor.at
  enterArray(cursor)
  while (nextElement(cursor)) {
    peek(cursor)
    const start = cursor.at
    const isKept = stays(cursor)
    if (cursor.problem !== undefined) return false
    if (isKept) {
      if (leading !== undefined) edits.push({ start: leading, end: start, text: '' })
      leading = undefined
      anyStayed = true
    } else {
      // Behind something that stays the comma before goes with it. In front of all that stays the comma
      // after does: the cut then ends where the first element that stays starts.
      if (anyStayed) edits.push({ start: end, end: cursor.at, text: '' })
      else leading ??= start
    }
    end = cursor.at
  }
  if (leading !== undefined) edits.push({ start: leading, end, text: '' })
  return cursor.problem === undefined
}

/**
 * The edits that take texts out of a list of texts.
 *
 * @param bytes A frame that has been scanned.
 * @param span Where in it the array stands.
 */
export function cutTexts(
  bytes: Uint8Array,
  span: { readonly start: number; readonly end: number },
  texts: ReadonlySet<string>,
): readonly Edit[] {
  const edits: Edit[] = []
  const cursor = createCursor(bytes.subarray(span.start, span.end), FRAME_BOUNDS)
  cutElements(cursor, edits, () => {
    const text = readText(cursor)
    return text !== undefined && !texts.has(text)
  })
  return edits.map(({ start, end, text }) => ({
    start: span.start + start,
    end: span.start + end,
    text,
  }))
}
