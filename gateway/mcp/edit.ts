/** One change to a text: the bytes from `start` to `end` become `text`. */
export type Edit = { readonly start: number; readonly end: number; readonly text: string }

/** The bytes with all edits made; edits must be in order and must not overlap. */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const parts: Uint8Array[] = []
  let from = 0
  for (const { start, end, text } of edits) {
    if (start > from) parts.push(bytes.subarray(from, start))
    if (text !== '') parts.push(Buffer.from(text, 'utf8'))
    from = end
  }
  if (from < bytes.length) parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}
