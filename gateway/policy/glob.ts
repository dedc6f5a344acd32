/**
 * Globs over names and URIs. `*` stands for any run of characters within a segment (segments end at
 * `/`), `**` for any run at all, `?` for one character that is not `/`; everything else stands for
 * itself, byte for byte, case included, and the whole text must match. There is no escape and nothing
 * else: no classes, no braces, no regular expressions. Matching is linear in the text.
 */
import { buildMachine, type Machine, runMachine, runSymbolic, survives } from './glob-machine.ts'

/** A compiled glob. The two shapes nearly every rule has are matched without the machine. */
export type Glob =
  | { readonly shape: 'literal'; readonly text: string }
  | {
      readonly shape: 'one_star'
      readonly text: string
      readonly prefix: string
      readonly suffix: string
      /** Whether the star is `**`. */
      readonly across: boolean
    }
  | {
      readonly shape: 'machine'
      readonly text: string
      /** What it begins and ends with, literally. */
      readonly prefix: string
      readonly suffix: string
      readonly machine: Machine
    }

/**
 * Longest glob, in UTF-16 units. It keeps one match against the longest name that is looked at around
 * a millisecond at the very worst.
 */
export const MAX_GLOB_LENGTH = 1024

/** Matches everything. */
export const EVERYTHING: Glob = compileGlob('**')

/** Compiles a glob. Any text is one; what a rule may not contain is for `compile.ts` to refuse. */
export function compileGlob(text: string): Glob {
  const first = firstWildcard(text)
  if (first === text.length) return { shape: 'literal', text }
  const prefix = text.slice(0, first)
  const last = Math.max(text.lastIndexOf('*'), text.lastIndexOf('?'))
  const suffix = text.slice(last + 1)
  const wild = text.slice(first, last + 1)
  return wild === '*'.repeat(wild.length)
    ? { shape: 'one_star', text, prefix, suffix, across: wild.length > 1 }
    : { shape: 'machine', text, prefix, suffix, machine: buildMachine(text) }
}

/** Whether the glob stands for exactly this text. */
export function matchesGlob(glob: Glob, text: string): boolean {
  if (glob.shape === 'literal') return glob.text === text
  const { prefix, suffix } = glob
  if (!text.endsWith(suffix) || !text.startsWith(prefix)) return false
  if (glob.shape === 'machine') return runMachine(glob.machine, text)
  if (text.length < prefix.length + suffix.length) return false
  if (glob.across) return true
  const slash = text.indexOf('/', prefix.length)
  return slash === -1 || slash >= text.length - suffix.length
}

/** Whether one of the globs at least stands for the whole text. */
export function matchesAny(globs: readonly Glob[], text: string): boolean {
  for (const glob of globs) if (matchesGlob(glob, text)) return true
  return false
}

/** Whether the glob stands for some text that begins with `beginning`. */
export function canBeginWith(glob: Glob, beginning: string): boolean {
  const fixed = glob.shape === 'literal' ? glob.text : glob.prefix
  if (beginning.length <= fixed.length) return fixed.startsWith(beginning)
  if (glob.shape === 'literal' || !beginning.startsWith(fixed)) return false
  return survives(machineOf(glob), beginning)
}

/** Whether everything `inner` stands for is also matched by `outer`. May say no where the answer is yes. */
export function includesGlob(outer: Glob, inner: Glob): boolean {
  if (outer.text === inner.text) return true
  if (inner.shape === 'literal') return matchesGlob(outer, inner.text)
  // No wildcard of `inner` can stand for what `outer` spells out; most pairs end here.
  if (outer.shape === 'literal' || !inner.prefix.startsWith(outer.prefix)) return false
  return runSymbolic(machineOf(outer), inner.text)
}

function machineOf(glob: Glob): Machine {
  return glob.shape === 'machine' ? glob.machine : buildMachine(glob.text)
}

function firstWildcard(text: string): number {
  const places = [text.indexOf('*'), text.indexOf('?'), text.length]
  return Math.min(...places.filter((place) => place !== -1))
}
