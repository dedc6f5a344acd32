/** Durations as policy files write them: a whole number and a unit. */

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A year: what is meant to last longer is meant to last. */
export const MAX_DURATION_MS = 365 * 86_400_000

/** Milliseconds of `30s`, `10m`, `2h` or `7d`; undefined for any other text, zero and more than a year. */
export function durationMs(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const ms = Number(digits) * (UNITS_MS[unit] ?? 0)
  return ms > 0 && ms <= MAX_DURATION_MS ? ms : undefined
}
