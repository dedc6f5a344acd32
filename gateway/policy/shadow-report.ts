/** What rules in shadow mode would have changed, from the decisions of an audit log. */
import type { Decision } from '../model/decision.ts'
import { type Fields, fieldsOf, parseRecord, textOf } from './record-fields.ts'
import { type AskedCall, readRecordedCall } from './recorded-call.ts'

/** One way in which a rule in shadow mode would have decided otherwise. */
export type ShadowFinding = {
  /** The rule that would have decided; undefined where it would have been that none allows the call. */
  readonly rule: string | undefined
  readonly was: Decision['effect']
  readonly wouldBe: Decision['effect']
  count: number
  readonly from: string
  to: string
  /** Different callers, and calls to look at; both bounded. */
  readonly callers: Set<string>
  readonly examples: Map<string, Example>
}

export type Example = { readonly asked: AskedCall; count: number }

export type ShadowReport = {
  /** Takes one line of an audit log. */
  line(text: string): void
  report(): {
    readonly decisions: number
    /** By how often, most first. */
    readonly findings: readonly ShadowFinding[]
  }
}

/** Different calls kept of one finding. */
const MAX_EXAMPLES = 20

/** Callers told apart in one finding; of more it is said that there are as many. */
export const MAX_CALLERS = 10_000

export function createShadowReport(): ShadowReport {
  const findings = new Map<string, ShadowFinding>()
  let decisions = 0
  return {
    line(text) {
      if (!text.includes('"type":"decision"')) return
      const record = parseRecord(text)
      if (record?.['type'] !== 'decision' || record['kind'] === undefined) return
      decisions += 1
      const shadow = fieldsOf(record['shadow'])
      const [was, wouldBe] = [effectOf(record['effect']), effectOf(shadow?.['effect'])]
      if (was === undefined || wouldBe === undefined) return
      const rule = textOf(shadow?.['rule'])
      const time = textOf(record['time']) ?? ''
      const key = JSON.stringify([rule, was, wouldBe])
      let finding = findings.get(key)
      if (finding === undefined) {
        const [callers, examples] = [new Set<string>(), new Map<string, Example>()]
        finding = { rule, was, wouldBe, count: 0, from: time, to: time, callers, examples }
        findings.set(key, finding)
      }
      finding.count += 1
      finding.to = time
      note(finding, record, text)
    },
    report: () => ({
      decisions,
      findings: [...findings.values()].toSorted((a, b) => b.count - a.count),
    }),
  }
}

function note(finding: ShadowFinding, record: Fields, text: string): void {
  const { issuer, subject, client } = fieldsOf(record['caller']) ?? {}
  if (finding.callers.size < MAX_CALLERS) {
    finding.callers.add(JSON.stringify([issuer, subject, client]))
  }
  const read = readRecordedCall(text)
  if (read.kind !== 'call') return
  const { caller, call, server } = read.recorded
  const key = JSON.stringify([caller.subject, server, call.method, call.targets])
  const known = finding.examples.get(key)
  if (known !== undefined) known.count += 1
  else if (finding.examples.size < MAX_EXAMPLES) {
    finding.examples.set(key, { asked: read.recorded, count: 1 })
  }
}

const EFFECTS = ['allow', 'deny', 'require'] as const satisfies readonly Decision['effect'][]

function effectOf(value: unknown): Decision['effect'] | undefined {
  return EFFECTS.find((effect) => effect === value)
}
