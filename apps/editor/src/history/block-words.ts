/** A value as text; `otherwise` for none. */
export function textOf(value: unknown, otherwise: string): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? otherwise : JSON.stringify(value)
}
