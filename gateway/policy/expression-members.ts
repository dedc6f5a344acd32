/**
 * What the variables of an expression hold. A slip in a member would be an error each time it is evaluated, which
 * no allow survives and every deny takes for a yes: it is told when the policy is loaded instead.
 */
import { DEFAULT_TRAITS } from '../model/tool-traits.ts'
import type { Node } from './expression-guards.ts'

/** By variable, or the way to a member. Of what is not here callers, issuers and clients decide. */
const MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'caller',
    'subject issuer client kind tenant groups scopes interactive actors claims'.split(' '),
  ],
  ['tool', ['name', 'annotations']],
  ['tool.annotations', Object.keys(DEFAULT_TRAITS)],
  ['request', ['ip', 'method']],
  ['server', []],
  ['uri', []],
  ['now', []],
])

/** Why there can be no such member; undefined when there may. */
export function memberProblem(of: Node, member: string): string | undefined {
  const way = wayTo(of)
  const known = MEMBERS.get(way)
  if (known === undefined || known.includes(member)) return undefined
  return known.length === 0
    ? `"${way}" has no "${member}": it is the value itself`
    : `"${way}.${member}" is not known; "${way}" has ${known.join(', ')}`
}

/** `tool.annotations`; empty for what is no way through members. */
function wayTo({ exprKind: kind }: Node): string {
  if (kind.case === 'identExpr') return kind.value.name
  if (kind.case !== 'selectExpr' || kind.value.operand === undefined) return ''
  return `${wayTo(kind.value.operand)}.${kind.value.field}`
}
