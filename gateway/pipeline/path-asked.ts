/** A path that is none of ours, as operators may read it: people put tokens into addresses. */

/** Longer ones are cut. */
const MAX_CHARS = 200

/** What could be no more than a name: short, or words in lower case. */
const NAME = /^(?:[\w.~-]{0,12}|[a-z]+(?:[-._][a-z]+)*)$/

/** Words longer than in any name; a secret may be all letters. */
const LONG_WORD = /[a-z]{20}/

/** @param path As `pathOf` returns it. @returns it with `*` for each part that could be a secret. */
export function pathAsked(path: string): string {
  const shown = path
    .slice(0, MAX_CHARS)
    .split('/')
    .map((part) => (NAME.test(part) && !LONG_WORD.test(part) ? part : '*'))
    .join('/')
  return path.length > MAX_CHARS ? `${shown}…` : shown
}
