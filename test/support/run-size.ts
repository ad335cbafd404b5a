/**
 * How much of something random to try: `everyday`, `nightly` in the long runs (`JOINERY_NIGHTLY` set), or what the named
 * environment variable says.
 */
export function runSize(variable: string, { everyday, nightly }: { everyday: number; nightly: number }): number {
  const given = process.env[variable]
  if (given === undefined) return process.env.JOINERY_NIGHTLY === undefined ? everyday : nightly
  const size = Number(given)
  if (!Number.isInteger(size) || size < 1) throw new Error(`${variable} must be a whole number from 1, not "${given}"`)
  return size
}
