const UNITS = ['B', 'kB', 'MB', 'GB'] as const

/** A number of bytes for people: `20 MB`, `1.5 kB`. */
export function byteWords(bytes: number): string {
  let [amount, unit] = [bytes, 0]
  for (; amount >= 999.5 && unit < UNITS.length - 1; unit++) amount /= 1_000
  return `${amount < 10 && unit > 0 ? Math.round(amount * 10) / 10 : Math.round(amount)} ${UNITS[unit]}`
}
