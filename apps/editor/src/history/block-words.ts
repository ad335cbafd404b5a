/** Converts a value to text; an absent value to `otherwise`. */
export function textOf(value: unknown, otherwise: string): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? otherwise : JSON.stringify(value)
}
