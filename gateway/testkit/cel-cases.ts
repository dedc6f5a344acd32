/**
 * The public conformance cases of CEL (`@bufbuild/cel-spec`) as questions with a yes or a no: what an expression
 * comes to is put into the expression. Cases with bindings or messages are left out; policies have neither.
 */
import { tests as SUITE } from '@bufbuild/cel-spec/testdata/conformance.js'

export type CelCase = {
  readonly name: string
  readonly text: string
  readonly answer: 'true' | 'false' | 'error'
}

type Original = {
  readonly name?: string
  readonly expr: string
  readonly value?: Readonly<Record<string, unknown>>
  readonly evalError?: unknown
  readonly bindings?: unknown
  readonly container?: string
  readonly checkOnly?: boolean
  readonly typedResult?: unknown
}

type Suite = {
  readonly name: string
  readonly suites?: readonly Suite[]
  readonly tests?: readonly { readonly original: unknown }[]
}

/** Every case that can be asked without bindings, by file and section. */
export function celCases(): readonly CelCase[] {
  return [...casesOf(SUITE, '')]
}

function* casesOf({ name, suites = [], tests = [] }: Suite, path: string): Generator<CelCase> {
  const here = `${path}/${name}`
  for (const { original } of tests) {
    const one = caseOf(original as Original, here)
    if (one !== undefined) yield one
  }
  for (const suite of suites) yield* casesOf(suite, here)
}

function caseOf(original: Original, path: string): CelCase | undefined {
  const { expr, value, evalError, bindings, container, checkOnly, typedResult } = original
  if ([bindings, container, checkOnly, typedResult].some((one) => one !== undefined))
    return undefined
  const name = `${path}/${original.name ?? expr}`
  if (evalError !== undefined) return { name, text: expr, answer: 'error' }
  // A case without a value means true.
  if (value === undefined) return { name, text: expr, answer: 'true' }
  const [[kind, held] = ['', undefined]] = Object.entries(value)
  if (kind === 'boolValue') return { name, text: expr, answer: held === true ? 'true' : 'false' }
  const literal = literalOf(kind, held)
  return literal === undefined
    ? undefined
    : { name, text: `(${expr}) == ${literal}`, answer: 'true' }
}

/** A value as CEL writes it; undefined for what has no literal of its own. */
function literalOf(kind: string, value: unknown): string | undefined {
  switch (kind) {
    case 'int64Value':
      return String(value)
    case 'uint64Value':
      return `${String(value)}u`
    case 'stringValue':
      return JSON.stringify(value)
    case 'nullValue':
      return 'null'
    case 'doubleValue':
      return Number.isFinite(value) ? `double("${String(value)}")` : undefined
    default:
      return undefined
  }
}
