/**
 * The regular expressions of `matches`, RE2: linear in the text, without look-around and references. Each is
 * compiled once, and builds its automaton from the texts it meets; that is thrown away now and then, since who
 * chooses the texts chooses how large it gets.
 */
import { RE2JS } from '@bufbuild/re2'

/**
 * UTF-16 units a pattern is run over before it is compiled anew. Each can add a state, at one to two kilobytes,
 * up to the 10,000 at which the engine begins anew by itself, or a step from one.
 */
export const MAX_UNITS_MET = 16_384

type Pattern = { readonly test: (text: string) => boolean }

/** As `celEnv` takes an engine. */
export type Patterns = {
  /** The same text is the same pattern. Throws for one that is not valid. */
  compile(pattern: string): Pattern
}

/**
 * Keeps every pattern it was given: they are literals of one policy.
 *
 * @param compile For tests.
 */
export function createPatterns(
  compile: (text: string) => Pattern = (text) => RE2JS.compile(text),
): Patterns {
  const known = new Map<string, Pattern>()
  return {
    compile(text) {
      let pattern = known.get(text)
      if (pattern === undefined) known.set(text, (pattern = createPattern(text, compile)))
      return pattern
    },
  }
}

function createPattern(text: string, compile: (text: string) => Pattern): Pattern {
  let compiled = compile(text)
  let met = 0
  return {
    test(sent) {
      if (met > MAX_UNITS_MET) {
        compiled = compile(text)
        met = 0
      }
      met += sent.length
      return compiled.test(sent)
    },
  }
}
