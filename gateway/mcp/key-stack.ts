/**
 * The member names of the objects that are open while a text is read, so that a name occurring twice
 * is seen at once. Few names are compared one by one by hash and bytes; an object with many, or with
 * an escaped one, gets a set, whose hash is seeded per process and cannot be aimed at.
 */

/** Names compared one by one before a set is made. Most objects of a call have fewer. */
const LINEAR_NAMES = 16

/** Numbers kept per name: hash, start and end in the frame. */
const ENTRY = 3

export type KeyStack = {
  /** Per open object the base of the one around it, then its names. Live below `top` only. */
  readonly entries: number[]
  top: number
  /** Where the names of the innermost object start. */
  base: number
  /** Sets of the open objects that have one, by their base. */
  sets: Map<number, Set<string>> | undefined
}

export function createKeyStack(): KeyStack {
  return { entries: [], top: 0, base: 0, sets: undefined }
}

export function openKeys(stack: KeyStack): void {
  stack.entries[stack.top] = stack.base
  stack.top += 1
  stack.base = stack.top
}

export function closeKeys(stack: KeyStack): void {
  stack.sets?.delete(stack.base)
  stack.top = stack.base - 1
  stack.base = stack.entries[stack.top] ?? 0
}

/**
 * Adds a name that is written without escapes, as the bytes from `start` to `end` with their hash.
 * Returns whether it is new to the innermost object.
 */
export function addKey(
  stack: KeyStack,
  bytes: Buffer,
  name: { readonly textStart: number; readonly textEnd: number; readonly textHash: number },
): boolean {
  const { entries, base, top } = stack
  const { textStart, textEnd, textHash } = name
  if (top - base >= LINEAR_NAMES * ENTRY || stack.sets?.has(base) === true) {
    return addToSet(stack, bytes, bytes.toString('latin1', textStart, textEnd))
  }
  for (let at = base; at < top; at += ENTRY) {
    if (
      entries[at] === textHash &&
      sameBytes(bytes, entries[at + 1] ?? 0, entries[at + 2] ?? 0, textStart, textEnd)
    ) {
      return false
    }
  }
  entries[top] = textHash
  entries[top + 1] = textStart
  entries[top + 2] = textEnd
  stack.top = top + ENTRY
  return true
}

/** Adds a name that is written with escapes, given as its text. */
export function addEscapedKey(stack: KeyStack, bytes: Buffer, text: string): boolean {
  return addToSet(stack, bytes, Buffer.from(text, 'utf8').toString('latin1'))
}

/** `key` is the UTF-8 of the name with one character per byte, which is quick to make and unambiguous. */
function addToSet(stack: KeyStack, bytes: Buffer, key: string): boolean {
  stack.sets ??= new Map()
  let set = stack.sets.get(stack.base)
  if (set === undefined) {
    set = new Set()
    stack.sets.set(stack.base, set)
    for (let at = stack.base; at < stack.top; at += ENTRY) {
      set.add(bytes.toString('latin1', stack.entries[at + 1] ?? 0, stack.entries[at + 2] ?? 0))
    }
  }
  const size = set.size
  set.add(key)
  return set.size > size
}

function sameBytes(
  bytes: Buffer,
  startA: number,
  endA: number,
  startB: number,
  endB: number,
): boolean {
  if (endA - startA !== endB - startB) return false
  for (let i = 0; startA + i < endA; i += 1) {
    if (bytes[startA + i] !== bytes[startB + i]) return false
  }
  return true
}
