/**
 * Rules of one server by the names they may speak of: names spelled out are looked up, globs are found
 * by their literal beginning. A name meets few rules however many there are.
 */
import type { TargetArea } from './coverage.ts'
import { EVERYTHING, type Glob, matchesGlob } from './glob.ts'
import type { Reach } from './rules.ts'

export type TargetIndex = {
  readonly exact: ReadonlyMap<string, readonly Reach[]>
  readonly globs: Branch
}

/** Globs whose literal beginning is the way to this branch, and the branches one character on. */
type Branch = {
  readonly entries: { readonly glob: Glob; readonly reach: Reach }[]
  readonly next: Map<number, Branch>
}

/** Indexes what the rules say of one area; the order of `reaches` is kept wherever there is a choice. */
export function buildTargetIndex(reaches: readonly Reach[], area: TargetArea): TargetIndex {
  const exact = new Map<string, Reach[]>()
  const globs: Branch = { entries: [], next: new Map() }
  for (const reach of reaches) {
    const { whole, included } = reach.coverage
    for (const glob of whole ? [EVERYTHING] : included[area]) {
      if (glob.shape !== 'literal') branchFor(globs, glob.prefix).entries.push({ glob, reach })
      else if (exact.get(glob.text)?.push(reach) === undefined) exact.set(glob.text, [reach])
    }
  }
  return { exact, globs }
}

/**
 * Calls `visit` for each rule whose globs match the name until it returns true: rules that spell the
 * name out first, then globs, those with the shortest literal beginning first. Exceptions are not
 * looked at. A rule with several globs may come more than once.
 */
export function visitMatching(
  index: TargetIndex,
  name: string,
  visit: (reach: Reach) => boolean,
): void {
  for (const reach of index.exact.get(name) ?? NONE) if (visit(reach)) return
  let branch: Branch | undefined = index.globs
  for (let at = 0; branch !== undefined; at += 1) {
    for (const { glob, reach } of branch.entries) {
      if (matchesGlob(glob, name) && visit(reach)) return
    }
    branch = branch.next.get(name.charCodeAt(at))
  }
}

const NONE: readonly Reach[] = []

function branchFor(root: Branch, prefix: string): Branch {
  let branch = root
  for (let at = 0; at < prefix.length; at += 1) {
    const code = prefix.charCodeAt(at)
    let next = branch.next.get(code)
    if (next === undefined) {
      next = { entries: [], next: new Map() }
      branch.next.set(code, next)
    }
    branch = next
  }
  return branch
}
