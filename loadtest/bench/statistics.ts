/** The `share` quantile (0..1) of values, by nearest rank; NaN for none. The input is left as it is. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).toSorted()
  const rank = Math.ceil(share * sorted.length) - 1
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? NaN
}

/** The middle value, by nearest rank. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5)
}

/** The lower quartile: what a step costs while the neighbours are quiet. */
export function lowerQuartile(values: ArrayLike<number>): number {
  return quantile(values, 0.25)
}
