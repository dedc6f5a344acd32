/** The table that `make bench-tokens` ends with: what was measured, and what is wanted of it. */
import { table } from '../table.ts'
import {
  AGENTS,
  CALLS_PER_SECOND,
  HEADROOM,
  HELD_SHARE,
  MAX_ADDED_P99_MS,
  REGISTRATIONS_PER_SECOND,
  REQUESTS_PER_MINUTE,
  TOKENS_PER_SECOND,
} from './constants.ts'
import type { Measured } from './measure.ts'

type Row = {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** Undefined where the figure is only told. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number }
}

export function report(measured: Measured): string {
  const lines = rowsOf(measured).map(({ what, value, unit, target }) => [
    what,
    amount(value, unit),
    target === undefined ? '-' : bound(target, unit),
    target === undefined ? '-' : reaches(target, value) ? 'reached' : 'NOT REACHED',
  ])
  return table(['Authorization server', 'measured', 'target', 'verdict'], lines)
}

function rowsOf({ steady, tokensPerSecond, calls, registrations }: Measured): readonly Row[] {
  const held = { atLeast: HELD_SHARE * 100 }
  const agents = `${AGENTS.toLocaleString('en')} agents, ${REQUESTS_PER_MINUTE} tokens a minute each`
  const beside = `${REGISTRATIONS_PER_SECOND} registrations/s`
  const added = calls.besideP99Ms - calls.aloneP99Ms
  return [
    { what: `${agents}: answered`, value: steady.heldShare * 100, unit: '%', target: held },
    { what: 'the same, p50', value: steady.p50Ms, unit: 'ms' },
    { what: 'the same, p99', value: steady.p99Ms, unit: 'ms' },
    {
      what: 'tokens without pause',
      value: tokensPerSecond,
      unit: '/s',
      target: { atLeast: HEADROOM * TOKENS_PER_SECOND },
    },
    { what: `p99 of ${CALLS_PER_SECOND} calls/s`, value: calls.aloneP99Ms, unit: 'ms' },
    { what: `the same beside ${beside}`, value: calls.besideP99Ms, unit: 'ms' },
    { what: 'added by them', value: added, unit: 'ms', target: { atMost: MAX_ADDED_P99_MS } },
    { what: `${beside}: answered`, value: registrations.heldShare * 100, unit: '%', target: held },
    { what: 'the same, p99', value: registrations.p99Ms, unit: 'ms' },
  ]
}

function reaches(target: NonNullable<Row['target']>, value: number): boolean {
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost
}

function bound(target: NonNullable<Row['target']>, unit: string): string {
  const [sign, mark] = 'atLeast' in target ? ['≥', target.atLeast] : ['≤', target.atMost]
  return `${sign} ${amount(mark, unit)}`
}

function amount(value: number, unit: string): string {
  const text = value.toFixed(unit === '/s' ? 0 : 1)
  return unit === '/s' ? `${text}/s` : `${text} ${unit}`
}
