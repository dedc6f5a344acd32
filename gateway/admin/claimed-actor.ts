import { withoutCredentials } from '../identity/credential-text.ts'

/** Characters of a claimed name that are recorded. */
const MAX_ACTOR_CHARS = 64

/** Characters of foreign text in a record's detail. */
const MAX_DETAIL_CHARS = 200

/**
 * Returns what may be recorded of the name an operator claims: letters, digits and `. _ @ + -` of its
 * first 64 characters, anything else as `_`; empty when nothing is claimed. It cannot look like
 * anything but a name, because a person reads it beside what is proven.
 */
export function claimedActor(header: string | undefined): string {
  const claimed = Array.from(header?.trim() ?? '').slice(0, MAX_ACTOR_CHARS)
  return withoutCredentials(claimed.join('')).replaceAll(/[^\p{L}\p{N}._@+-]/gu, '_')
}

/** Returns the text on one line without credentials and control characters, cut to 200 characters. */
export function plainText(text: string): string {
  const start = text.slice(0, MAX_DETAIL_CHARS).toWellFormed()
  return withoutCredentials(start).replaceAll(/\p{C}/gu, '?')
}
