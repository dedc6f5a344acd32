/**
 * The member names of the objects that are open while a text is read, so that a name occurring twice is
 * seen. The names of a small object are compared as they come; those of a large one when it ends, sorted
 * by hash, so that no choice of names costs more than sorting them.
 */
import { decodeText, type TextSpan } from './json-text.ts'

/** Names compared one by one as they come. Few objects of a call have more. */
const LINEAR_NAMES = 24

/** Names of one hash compared one by one at the end; only names made to collide come in larger runs. */
const LINEAR_RUN = 8

/** Numbers kept per name: hash, start, and end in the frame, the last as its complement if escaped. */
const ENTRY = 3

/** A hash and the index of a name share the 53 bits of a number; no object has so many names. */
const INDEX_RANGE = 2 ** 21

export type KeyStack = {
  /** For each open object the base of the one around it, then its names. Live below `top` only. */
  readonly entries: number[]
  top: number
  /** Where the names of the innermost object start. */
  base: number
}

/** A stack with no object open. */
export function createKeyStack(): KeyStack {
  return { entries: [], top: 0, base: 0 }
}

/** Starts an object inside the innermost one. */
export function openKeys(stack: KeyStack): void {
  stack.entries[stack.top] = stack.base
  stack.top += 1
  stack.base = stack.top
}

/** Adds a name to the innermost object; false when it is seen to be there already. */
export function addKey(
  stack: KeyStack,
  bytes: Buffer,
  name: TextSpan & { readonly textHash: number },
): boolean {
  const { entries, base, top } = stack
  const { textHash } = name
  entries[top] = textHash
  entries[top + 1] = name.textStart
  entries[top + 2] = name.textEscaped ? ~name.textEnd : name.textEnd
  stack.top = top + ENTRY
  if (top - base > LINEAR_NAMES * ENTRY) return true
  for (let at = base; at < top; at += ENTRY) {
    if (entries[at] === textHash && sameName(entries, bytes, { a: at, b: top })) return false
  }
  return true
}

/** Ends the innermost object; false when a name of it turns out to be there twice. */
export function closeKeys(stack: KeyStack, bytes: Buffer): boolean {
  const { entries, base, top } = stack
  const differ = top - base <= LINEAR_NAMES * ENTRY || allDiffer(entries, bytes, { base, top })
  stack.top = base - 1
  stack.base = entries[stack.top] ?? 0
  return differ
}

function allDiffer(
  entries: readonly number[],
  bytes: Buffer,
  { base, top }: { readonly base: number; readonly top: number },
): boolean {
  const sorted = new Float64Array((top - base) / ENTRY)
  for (let i = 0; i < sorted.length; i += 1) {
    sorted[i] = ((entries[base + i * ENTRY] ?? 0) >>> 0) * INDEX_RANGE + i
  }
  sorted.sort()
  for (let start = 0; start < sorted.length;) {
    let end = start + 1
    while (end < sorted.length && hashOf(sorted[end]) === hashOf(sorted[start])) end += 1
    if (end - start > 1) {
      const run = Array.from(
        sorted.subarray(start, end),
        (key) => base + (key % INDEX_RANGE) * ENTRY,
      )
      if (!runDiffers(entries, bytes, run)) return false
    }
    start = end
  }
  return true
}

function hashOf(key = 0): number {
  return Math.floor(key / INDEX_RANGE)
}

/** Whether the names at these entries, all of one hash, are all different. */
function runDiffers(entries: readonly number[], bytes: Buffer, run: readonly number[]): boolean {
  if (run.length > LINEAR_RUN) {
    return new Set(run.map((at) => textAt(entries, bytes, at))).size === run.length
  }
  return run.every((a, i) => run.every((b, j) => j <= i || !sameName(entries, bytes, { a, b })))
}

/** Whether two entries of one hash are the same name. */
function sameName(
  entries: readonly number[],
  bytes: Buffer,
  { a, b }: { readonly a: number; readonly b: number },
): boolean {
  const startA = entries[a + 1] ?? 0
  const endA = entries[a + 2] ?? 0
  const startB = entries[b + 1] ?? 0
  const endB = entries[b + 2] ?? 0
  if (endA < 0 || endB < 0) return textAt(entries, bytes, a) === textAt(entries, bytes, b)
  if (endA - startA !== endB - startB) return false
  for (let i = 0; startA + i < endA; i += 1) {
    if (bytes[startA + i] !== bytes[startB + i]) return false
  }
  return true
}

function textAt(entries: readonly number[], bytes: Buffer, at: number): string {
  const textStart = entries[at + 1] ?? 0
  const end = entries[at + 2] ?? 0
  return decodeText(bytes, { textStart, textEnd: end < 0 ? ~end : end, textEscaped: end < 0 })
}
