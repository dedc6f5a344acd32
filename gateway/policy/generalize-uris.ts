/** Many URIs of one folder into one glob, where that is safe. */
import { compileGlob, matchesGlob } from './glob.ts'
import type { LearnedEntry } from './learn.ts'

/** Different URIs of one folder before a glob stands for them: fewer are better named one by one. */
export const MIN_SIBLINGS = 8

/**
 * The entries, sorted, those of one folder as one glob: `folder/*`, or `folder/*.ext` where all end
 * alike. A glob never reaches into folders below, and there is none where it would match a URI of the
 * log that is not among the entries: somebody else's, or one that was refused.
 *
 * @param logged Every URI of the log on this server.
 */
export function generalizeUris(
  entries: readonly LearnedEntry[],
  logged: ReadonlySet<string>,
): readonly LearnedEntry[] {
  const folders = Map.groupBy(entries, ({ text }) => text.slice(0, text.lastIndexOf('/') + 1))
  const own = new Set(entries.map(({ text }) => text))
  return [...folders]
    .flatMap(([folder, inside]) => {
      const glob = inside.length < MIN_SIBLINGS ? undefined : globFor(folder, inside)
      if (glob === undefined) return inside
      const compiled = compileGlob(glob)
      if ([...logged].some((uri) => !own.has(uri) && matchesGlob(compiled, uri))) return inside
      return {
        text: glob,
        calls: inside.reduce((sum, { calls }) => sum + calls, 0),
        callers: new Set(inside.flatMap(({ callers }) => [...callers])),
        generalizes: inside.length,
      }
    })
    .toSorted((a, b) => (a.text < b.text ? -1 : 1))
}

/** Undefined where the folder is a host's root, or a wildcard or a query would stand in the glob. */
function globFor(folder: string, inside: readonly LearnedEntry[]): string | undefined {
  if (inside.some(({ text }) => /[*?#{]/.test(text))) return undefined
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]*\/$/i.test(folder) || !folder.includes('/')) return undefined
  const endings = new Set(inside.map(({ text }) => /\.[A-Za-z0-9]+$/.exec(text)?.[0] ?? ''))
  const [ending = ''] = endings
  return `${folder}*${endings.size === 1 ? ending : ''}`
}
