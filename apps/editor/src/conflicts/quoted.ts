/** Longest quotation of a value, characters: enough to recognise the value. */
const QUOTE_CHARS_MAX = 80

/** A value in quotation marks, as JSON if it is no text. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  const letters = [...text]
  return letters.length > QUOTE_CHARS_MAX ? `“${letters.slice(0, QUOTE_CHARS_MAX).join('')}…”` : `“${text}”`
}
