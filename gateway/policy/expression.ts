/**
 * `when:` in CEL (https://cel.dev). Parsed, checked and planned when a policy is loaded; evaluated against what
 * one call brings. An evaluation never throws: what cannot be answered is an error, which no allow survives and
 * every deny takes for a yes.
 */
import {
  celEnv,
  celError,
  type CelEnv,
  celFunc,
  CelScalar,
  isCelError,
  parse,
  plan,
} from '@bufbuild/cel'
import { messageOf } from '../model/message-of.ts'
import { type Findings, Refused, type Variable, walk } from './expression-guards.ts'
import { createPatterns } from './patterns.ts'
import { isUnder } from './under.ts'

/** Longest expression, in UTF-16 units. What needs more is several rules. */
export const MAX_EXPRESSION_LENGTH = 1024

/** The values of the variables an expression reads; one that is not known yet is `unknown`. */
export type Bindings = { readonly [variable in Exclude<Variable, 'now'>]?: unknown } & {
  /** Epoch milliseconds. */
  readonly now?: number
}

/** What an expression comes to. */
export type Answer = 'true' | 'false' | 'error'

export type Expression = {
  readonly text: string
  readonly reads: ReadonlySet<Variable>
  /** Whether it goes through lists, which must then be short. */
  readonly loops: boolean
  /** Whether it runs regular expressions, over texts that must then be short. */
  readonly matches: boolean
  /** Members of `args` it reads without asking whether they are there. */
  readonly unguarded: readonly string[]
  /**
   * In the place of a variable that is not known yet: whatever depends on it is an error, what is decided
   * without it is not (CEL language definition, "Logical operators").
   */
  readonly unknown: unknown
  readonly evaluate: (bindings: Bindings) => Answer
}

export type ExpressionRead =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly message: string }

const UNKNOWN = celError('not known yet')

/** Compiles an expression, or says what is wrong with it and where in it. The same text is compiled once. */
export type CompileExpression = (text: string) => ExpressionRead

/** A compiler with an environment of its own, to share among the rules of a policy. */
export function createExpressions(): CompileExpression {
  // Most policies have no expression, and an environment is dear.
  let cel: Cel | undefined
  const known = new Map<string, ExpressionRead>()
  return (text) => {
    let read = known.get(text)
    if (read === undefined) known.set(text, (read = compile(text, (cel ??= openCel()))))
    return read
  }
}

function openCel(): Cel {
  const under = celFunc('under', [CelScalar.STRING, CelScalar.STRING], CelScalar.BOOL, isUnder)
  const environment = celEnv({ funcs: [under], re2: createPatterns() })
  const timestamp = plan(environment, parse('timestamp(text)'))
  return { environment, timestampOf: (ms) => timestamp({ text: new Date(ms).toISOString() }) }
}

type Cel = {
  readonly environment: CelEnv
  /** A moment as expressions see it. */
  readonly timestampOf: (ms: number) => unknown
}

function compile(text: string, cel: Cel): ExpressionRead {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    return fails(`the expression is longer than ${MAX_EXPRESSION_LENGTH} characters`)
  }
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(text)
  } catch (error) {
    return fails(syntaxError(error, text))
  }
  try {
    const findings = walk(parsed.expr)
    const [fault] = findings.patterns.flatMap((pattern) => patternProblem(pattern, cel) ?? [])
    if (fault !== undefined) return fails(fault)
    const run = plan(cel.environment, parsed)
    return { ok: true, expression: expressionOf(text, findings, { ...cel, run }) }
  } catch (error) {
    if (!(error instanceof Refused)) return fails(`the expression is not valid: ${String(error)}`)
    const offset = parsed.sourceInfo?.positions[error.node.toString()]
    return fails(`the expression ${placeIn(text, offset)}${error.message}`)
  }
}

function expressionOf(
  text: string,
  { reads, loops, matches, members, asked }: Findings,
  { timestampOf, run }: Cel & { readonly run: (bindings: never) => unknown },
): Expression {
  return {
    text,
    reads,
    loops,
    matches,
    unguarded: [...members].filter((member) => !asked.has(member)),
    unknown: UNKNOWN,
    evaluate(bindings) {
      const { now } = bindings
      const given = now === undefined ? bindings : { ...bindings, now: timestampOf(now) }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- CEL takes any plain data
      const value = run(given as never)
      return value === true ? 'true' : value === false ? 'false' : 'error'
    },
  }
}

/** Compiled here, when the policy is loaded. */
function patternProblem(pattern: string, { environment }: Cel): string | undefined {
  const tried = plan(environment, parse(`"".matches(${JSON.stringify(pattern)})`))()
  return isCelError(tried) ? `the pattern ${JSON.stringify(pattern)}: ${tried.message}` : undefined
}

/** The parser throws an error that knows where: its text begins with the place. */
function syntaxError(error: unknown, expression: string): string {
  const text = messageOf(error)
  const [, line, column, why] = /^<input>:(\d+):(\d+):? (.*)/.exec(text) ?? []
  if (line === undefined) return `the expression is no CEL: ${text}`
  const at = expression.split('\n')[Number(line) - 1]?.slice(Number(column) - 1) ?? ''
  const slip =
    SLIPS.find(([begins]) => begins.test(at)) ?? WHOLE_SLIPS.find(([has]) => has.test(expression))
  const what = slip?.[1] ?? unpaired(expression) ?? why
  return `the expression is no CEL at ${line}:${column} in it: ${what}`
}

/** Of a bracket without its other half, outside of texts. */
function unpaired(expression: string): string | undefined {
  const bare = expression.replaceAll(/"[^"]*"|'[^']*'/g, '')
  const count = (bracket: string): number => bare.split(bracket).length - 1
  for (const [open, close] of BRACKETS) {
    const more = count(open) - count(close)
    if (more !== 0) return more > 0 ? `a ${open} has no ${close}` : `a ${close} has no ${open}`
  }
  return undefined
}

const BRACKETS: readonly (readonly [open: string, close: string])[] = [
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]

/** What people write out of habit, where the parser stops, and what it is in CEL. */
const SLIPS: readonly (readonly [begins: RegExp, message: string])[] = [
  [/^=~/, 'a pattern is matched with text.matches("pattern")'],
  [/^(?:={3}|=(?!=))/, 'two values are compared with =='],
  [/^and\b/i, 'two conditions are joined with &&'],
  [/^or\b/i, 'two conditions are joined with ||'],
  [/^(?:&&|\|\||[-+*/%<>]=?|[=!]=)\s*$/, 'something is missing at its end'],
  [/^in\s*\(/, 'a list stands in brackets: x in ["a", "b"]'],
]

/** The same, of what stops the parser somewhere else. */
const WHOLE_SLIPS: readonly (readonly [has: RegExp, message: string])[] = [
  [/(?:^|[\s(])not\s/i, 'a condition is turned around with !'],
  [/^(?:[^"']|"[^"]*"|'[^']*')*["'][^"']*$/, 'a quote has no end'],
]

function placeIn(text: string, offset: number | undefined): string {
  if (offset === undefined) return ''
  const before = text.slice(0, offset).split('\n')
  return `at ${before.length}:${(before.at(-1)?.length ?? 0) + 1} in it: `
}

function fails(message: string): ExpressionRead {
  return { ok: false, message }
}
