/**
 * Lists that a server has sent before. Servers send the same list to caller after caller, and what has
 * been read once need not be read again: the text of an array is all there is to know about it, so one
 * that comes byte for byte the same has the same elements.
 */

/** One element: its name, if it has exactly one that can be trusted, and how much of the text it is. */
export type KnownElement = { readonly name: string | undefined; readonly bytes: number }

export type KnownList = {
  /** The member of a result that it was the value of, which says what names its elements. */
  readonly member: string
  /** The array as it came, both brackets included. */
  readonly text: Buffer
  readonly elements: readonly KnownElement[]
  /** JSON values in all its elements, which count against the bounds of an answer each time. */
  readonly nodes: number
}

export type KnownLists = {
  /** The list of that member whose text stands in `bytes` from `at` on. */
  find(member: string, bytes: Buffer, at: number): KnownList | undefined
  /** Keeps a list that was read without a problem, its text copied; undefined when it is not kept. */
  keep(list: KnownList): KnownList | undefined
}

/** Lists kept: the pages of some kinds, in some forms for some callers. The oldest goes. */
const MAX_LISTS = 8

/** What is shorter is read as fast as it is found; in bytes. */
const MIN_LIST_BYTES = 512

/** Texts held of all lists together, in bytes: one of thousands of tools, or several that are shorter. */
const MAX_HELD_BYTES = 2 * 1_048_576

/** Knows no list yet. */
export function createKnownLists(): KnownLists {
  const lists: KnownList[] = []
  let heldBytes = 0
  return {
    find: (member, bytes, at) =>
      lists.find((list) => {
        const end = at + list.text.length
        if (list.member !== member || end > bytes.length) return false
        return list.text.compare(bytes, at, end) === 0
      }),
    keep: (list) => {
      const { text } = list
      if (text.length < MIN_LIST_BYTES || text.length > MAX_HELD_BYTES) return undefined
      const kept = { ...list, text: Buffer.from(text) }
      lists.unshift(kept)
      heldBytes += text.length
      while (lists.length > MAX_LISTS || heldBytes > MAX_HELD_BYTES)
        heldBytes -= lists.pop()?.text.length ?? 0
      return kept
    },
  }
}
