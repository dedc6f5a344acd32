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

/** Among the engine's conditions on where a match may begin: nowhere but where the text does (`^`, `\\A`). */
const AT_BEGINNING = 4

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
export function createPatterns(compile: (text: string) => Pattern = compileOne): Patterns {
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

/**
 * Looking for a match, the engine tries each character as the beginning of one, and makes a set of what `^` says
 * there: most of what such a pattern costs. Asked whether a text is, as a whole, a match with anything after it, it
 * begins once.
 */
function compileOne(text: string): Pattern {
  const pattern = RE2JS.compile(text)
  const isAnchored = (pattern.re2().cond & AT_BEGINNING) !== 0
  // A quotation that is never closed would go on over what is added.
  if (!isAnchored || text.includes(String.raw`\Q`)) return pattern
  const whole = RE2JS.compile(`(?:${text})(?s:.*)`)
  return { test: (sent) => whole.testExact(sent) }
}
