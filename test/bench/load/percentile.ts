/** The value that the fraction `rank` (0 to 1) of the values lies at or below (nearest rank); NaN for none. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(sorted.length * rank) - 1)] ?? Number.NaN
}
