/** A run in a few lines, held against what its scenario promises. */
import { quantile } from '../bench/statistics.ts'
import { GOOD_SHARE, type Scenario } from '../scenarios/scenario.ts'
import type { Run, Verdicts } from './run.ts'

export type Report = {
  readonly scenario: Scenario
  readonly run: Run
  readonly text: string
  /** Whether everything promised was kept. */
  readonly isGood: boolean
}

/** @param beside What became of the event streams and the sessions, where the scenario has them. */
export function report(scenario: Scenario, run: Run, beside: Beside = {}): Report {
  const { streams, sessions } = beside
  const took = run.answers.map(({ tookMs }) => tookMs)
  const at = (share: number): number => quantile(took, share)
  const seconds = Math.max(1, ...run.answers.map(({ second }) => second + 1))
  const all = [...run.verdicts.values()]
  const good = all.reduce((sum, verdicts) => sum + verdicts.good, 0)
  const share = good / Math.max(1, took.length)
  const promises: readonly (readonly [what: string, isKept: boolean])[] = [
    [`good answers > ${percent(GOOD_SHARE)}`, share > GOOD_SHARE],
    [`p95 < ${scenario.p95Ms} ms`, at(0.95) < scenario.p95Ms],
    [`p99 < ${scenario.p99Ms} ms`, at(0.99) < scenario.p99Ms],
    ['every visit begun in time', run.notBegun === 0],
    ...(streams === undefined ? [] : streamPromises(streams)),
    ...(sessions === undefined ? [] : sessionPromises(sessions)),
  ]
  const lines = [
    `answers       ${took.length} in ${seconds} s, ${(took.length / seconds).toFixed(1)} per second`,
    `good          ${percent(share)}`,
    ...[...run.verdicts].map(([name, verdicts]) => `  ${name.padEnd(22)}${countOf(verdicts)}`),
    `took          median ${ms(at(0.5))}, p95 ${ms(at(0.95))}, p99 ${ms(at(0.99))}, max ${ms(at(1))}`,
    ...(streams === undefined ? [] : [`streams       ${streams.open} of ${streams.asked} open`]),
    ...(sessions === undefined ? [] : sessionLines(sessions)),
    ...promises.map(([what, isKept]) => `${isKept ? 'PASS' : 'FAIL'}  ${what}`),
  ]
  return { scenario, run, text: lines.join('\n'), isGood: promises.every(([, isKept]) => isKept) }
}

/** What a run had beside its visits. */
export type Beside = { readonly streams?: StreamsSeen; readonly sessions?: SessionsSeen }

/** The event streams of a run, at its end. */
export type StreamsSeen = {
  readonly asked: number
  readonly open: number
  /** Events that the stream which had the fewest was told. */
  readonly fewestEvents: number
  /** What each stream must have been told at least. */
  readonly dueEvents: number
}

function streamPromises(seen: StreamsSeen): readonly (readonly [string, boolean])[] {
  return [
    ['every stream opened and still open', seen.open === seen.asked],
    [`every stream was told at least ${seen.dueEvents} times`, seen.fewestEvents >= seen.dueEvents],
  ]
}

/** The sessions of a run, after its end. */
export type SessionsSeen = {
  readonly asked: number
  readonly opened: number
  readonly ended: number
  /** Resident memory of the gateway without them and with them, in KB. */
  readonly kbBefore: number
  readonly kbWith: number
}

/** What a session may take, in KB: loose, for the heap grows and shrinks in steps of megabytes. */
const MAX_SESSION_KB = 32

function sessionPromises(seen: SessionsSeen): readonly (readonly [string, boolean])[] {
  const { asked, opened, ended } = seen
  return [
    ['every session opened', opened === asked],
    ['every session ended, and is known no more', ended === asked],
    [`memory per session < ${MAX_SESSION_KB} KB`, kbEach(seen) < MAX_SESSION_KB],
  ]
}

function sessionLines(seen: SessionsSeen): readonly string[] {
  const { asked, opened, ended, kbBefore, kbWith } = seen
  return [
    `sessions      ${opened} of ${asked} opened, ${ended} ended`,
    `memory        ${mb(kbBefore)} before, ${mb(kbWith)} with them: ${kbEach(seen).toFixed(1)} KB each`,
  ]
}

function kbEach({ opened, kbBefore, kbWith }: SessionsSeen): number {
  return (kbWith - kbBefore) / Math.max(1, opened)
}

function mb(kb: number): string {
  return `${(kb / 1024).toFixed(0)} MB`
}

function countOf({ good, bad, example }: Verdicts): string {
  if (bad === 0) return `${good}`
  return `${good}, and ${bad} bad${example === undefined ? '' : `: ${example}`}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`
}
