/**
 * What a CEL expression of a rule may consist of, checked when it is loaded: known names, no loops in loops,
 * nothing that costs more than a bounded argument can make it cost. There is no cost budget at run time, so
 * everything that could need one is refused here.
 */
import type { parse } from '@bufbuild/cel'
import { memberProblem } from './expression-members.ts'

/** A node of a parsed expression. */
export type Node = ReturnType<typeof parse>['expr']

/** What an expression can look at. */
export const VARIABLES = ['args', 'uri', 'caller', 'tool', 'server', 'now', 'request'] as const

export type Variable = (typeof VARIABLES)[number]

/** What the walk finds out. */
export type Findings = {
  readonly reads: Set<Variable>
  /** Whether it goes through a list or map. */
  loops: boolean
  /** Whether it runs a regular expression. */
  matches: boolean
  /** Patterns of regular expressions, all of them literals. */
  readonly patterns: string[]
  /** Members of `args` that it reads, and those whose presence it asks for. */
  readonly members: Set<string>
  readonly asked: Set<string>
}

/** Deepest nesting of an expression. */
const MAX_DEPTH = 40

const OPERATORS = new Set(
  '_&&_ _||_ !_ -_ _==_ _!=_ _<_ _<=_ _>_ _>=_ _+_ _-_ _*_ _/_ _%_ _?_:_ _[_] @not_strictly_false'.split(
    ' ',
  ),
)

const COMPARISONS = new Set(['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_'])

/** Operators and functions that look at a whole text or list: never of an argument once for each of a list. */
const SCANS = new Set(
  '@in startsWith endsWith contains matches size under timestamp duration string int uint double bool'.split(
    ' ',
  ),
)

const OTHERS = new Set([
  'type',
  'dyn',
  'getFullYear',
  'getMonth',
  'getDayOfYear',
  'getDayOfMonth',
  'getDate',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
])

/** What comes to a number, a text, a time or a type, and never to a yes or no. */
const VALUES = new Set(
  '_+_ _-_ _*_ _/_ _%_ -_ size timestamp duration string int uint double type'.split(' '),
)

/** Functions that people may use, for messages. */
export const FUNCTIONS: readonly string[] = [...SCANS, ...OTHERS]
  .filter((name) => !name.startsWith('@'))
  .toSorted()

/** Why an expression is refused; thrown while walking, caught by `compileExpression`. */
export class Refused extends Error {
  /** The node it is about. */
  readonly node: bigint

  constructor(message: string, node: Node) {
    super(message)
    this.node = node.id
  }
}

/** @throws {Refused} for what no expression may contain. */
export function walk(root: Node): Findings {
  const findings: Findings = {
    reads: new Set(),
    loops: false,
    matches: false,
    patterns: [],
    members: new Set(),
    asked: new Set(),
  }
  visit(root, { findings, depth: 0, scope: [] })
  if (isValue(root)) throw new Refused('comes to a value that is neither true nor false', root)
  return findings
}

/** Whether it is plain that no condition can be all of it; much else is known when it is evaluated. */
function isValue({ exprKind: kind }: Node): boolean {
  switch (kind.case) {
    case 'constExpr':
      return kind.value.constantKind.case !== 'boolValue'
    case 'callExpr':
      return VALUES.has(kind.value.function) || kind.value.function.startsWith('get')
    default:
      return kind.case === 'listExpr' || kind.case === 'structExpr'
  }
}

type Walk = {
  readonly findings: Findings
  readonly depth: number
  /** Names that loops around here have bound. */
  readonly scope: readonly string[]
}

function visit(node: Node, at: Walk): void {
  const below = { ...at, depth: at.depth + 1 }
  if (at.depth > MAX_DEPTH) throw new Refused(`is nested deeper than ${MAX_DEPTH}`, node)
  const { exprKind: kind } = node
  switch (kind.case) {
    case 'constExpr':
      return
    case 'identExpr':
      return visitName(node, kind.value.name, at)
    case 'selectExpr':
      checkMember(node, kind.value.operand, kind.value.field)
      noteMember(kind.value, at)
      return visitAll([kind.value.operand], below)
    case 'callExpr':
      return visitCall(node, kind.value, below)
    case 'listExpr':
      return visitAll(kind.value.elements, below)
    case 'structExpr':
      if (kind.value.messageName !== '') {
        throw new Refused(`"${kind.value.messageName}" is not known: there are no messages`, node)
      }
      for (const { keyKind, value } of kind.value.entries) {
        visitAll([keyKind.case === 'mapKey' ? keyKind.value : undefined, value], below)
      }
      return
    case 'comprehensionExpr':
      return visitLoop(node, kind.value, below)
    case undefined:
      throw new Refused('is incomplete', node)
  }
}

function visitAll(nodes: readonly (Node | undefined)[], at: Walk): void {
  for (const node of nodes) if (node !== undefined) visit(node, at)
}

function visitName(node: Node, name: string, { findings, scope }: Walk): void {
  if (scope.includes(name)) return
  const variable = VARIABLES.find((one) => one === name)
  if (variable === undefined) {
    throw new Refused(`"${name}" is not known; there are ${VARIABLES.join(', ')}`, node)
  }
  findings.reads.add(variable)
}

type Select = Extract<Node['exprKind'], { case: 'selectExpr' }>['value']

/** `args.x` needs an argument to be there, `has(args.x)` asks whether it is. */
function noteMember({ operand, field, testOnly }: Select, { findings }: Walk): void {
  if (isName(operand, 'args')) (testOnly ? findings.asked : findings.members).add(field)
}

function checkMember(node: Node, of: Node | undefined, member: string | undefined): void {
  const problem = of && member !== undefined ? memberProblem(of, member) : undefined
  if (problem !== undefined) throw new Refused(problem, node)
}

type Call = Extract<Node['exprKind'], { case: 'callExpr' }>['value']

function visitCall(node: Node, { function: name, target, args }: Call, at: Walk): void {
  const { findings, scope } = at
  if (!OPERATORS.has(name) && !SCANS.has(name) && !OTHERS.has(name)) {
    throw new Refused(
      `the function "${name}" is not known; there are ${FUNCTIONS.join(', ')}`,
      node,
    )
  }
  if (scope.length > 0 && isDear(name, [target, ...args])) {
    throw new Refused('must not go through an argument once for each element of a list', node)
  }
  const [first, second] = args
  if (name === '@in' && isName(second, 'args')) noteText(first, findings.asked)
  if (name === '_[_]') checkMember(node, first, textOf(second))
  if (name === '_[_]' && isName(first, 'args')) noteText(second, findings.members)
  if (name === 'matches') notePattern(node, target === undefined ? second : first, findings)
  visitAll([target, ...args], at)
}

/** What costs as much as an argument is long: once is bounded, for each of a list it is not. */
function isDear(name: string, operands: readonly (Node | undefined)[]): boolean {
  const inputs = operands.filter(readsInput).length
  if (SCANS.has(name) || name === '_+_') return inputs > 0
  return COMPARISONS.has(name) && inputs > 1
}

/** A pattern that a caller could choose would be the caller's program. */
function notePattern(node: Node, pattern: Node | undefined, findings: Findings): void {
  const text = textOf(pattern)
  if (text === undefined) throw new Refused('the pattern of "matches" must be a literal', node)
  findings.matches = true
  findings.patterns.push(text)
}

type Loop = Extract<Node['exprKind'], { case: 'comprehensionExpr' }>['value']

function visitLoop(node: Node, loop: Loop, at: Walk): void {
  const { iterVar, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = loop
  if (accuInit?.exprKind.case === 'listExpr') {
    throw new Refused('must not make lists: use all, exists or exists_one', node)
  }
  if (at.scope.length > 0) throw new Refused('must not loop within a loop', node)
  if (VARIABLES.some((name) => name === iterVar)) {
    throw new Refused(`"${iterVar}" is taken: name what the loop goes through otherwise`, node)
  }
  at.findings.loops = true
  visitAll([iterRange, accuInit], at)
  visitAll([loopCondition, loopStep, result], { ...at, scope: [iterVar, accuVar] })
}

/** Whether anything in it is what the caller sent. */
function readsInput(node: Node | undefined): boolean {
  if (node === undefined) return false
  const { exprKind: kind } = node
  switch (kind.case) {
    case 'identExpr':
      return kind.value.name === 'args' || kind.value.name === 'uri'
    case 'selectExpr':
      return readsInput(kind.value.operand)
    case 'callExpr':
      return [kind.value.target, ...kind.value.args].some(readsInput)
    case 'listExpr':
      return kind.value.elements.some(readsInput)
    default:
      return false
  }
}

function isName(node: Node | undefined, name: string): boolean {
  return node?.exprKind.case === 'identExpr' && node.exprKind.value.name === name
}

function noteText(node: Node | undefined, into: Set<string>): void {
  const text = textOf(node)
  if (text !== undefined) into.add(text)
}

function textOf(node: Node | undefined): string | undefined {
  if (node?.exprKind.case !== 'constExpr') return undefined
  const { constantKind } = node.exprKind.value
  return constantKind.case === 'stringValue' ? constantKind.value : undefined
}
