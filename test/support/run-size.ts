/**
 * How many random cases to try: the value of the named environment variable if it is set, else `nightly` in the nightly
 * runs (`JOINERY_NIGHTLY` set), else `everyday`.
 */
export function runSize(variable: string, { everyday, nightly }: { everyday: number; nightly: number }): number {
  const given = process.env[variable]
  if (given === undefined) return process.env.JOINERY_NIGHTLY === undefined ? everyday : nightly
  const size = Number(given)
  if (!Number.isInteger(size) || size < 1) throw new Error(`${variable} must be a whole number from 1, not "${given}"`)
  return size
}
