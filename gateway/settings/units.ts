/**
 * A day. Timers hold at most 2^31 - 1 ms (24.8 days), and no timeout of a gateway is sensibly longer.
 */
export const MAX_DURATION_MS = 24 * 60 * 60 * 1000

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SIZE_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 * 1024 }

/** Milliseconds of a duration such as `500ms`, `30s`, `5m` or `1h`; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  return scaled(text, DURATION_MS)
}

/** Bytes of a size such as `512KiB` or `4MiB`; undefined when it is none. */
export function sizeBytes(text: string): number | undefined {
  return scaled(text, SIZE_BYTES)
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^([1-9]\d{0,8})([A-Za-z]+)$/.exec(text)
  const unit = units[match?.[2] ?? '']
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit
}
