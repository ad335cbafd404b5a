export interface OpenBlockOptions {
  /** Is selected in the block's text, where it still stands. */
  readonly passage?: string
  /** The keyboard stays where it is; else it goes into the block's text. */
  readonly keepsFocus?: boolean
}

/** Brings a block into view and the keyboard into its text. False when the page does not show it. */
export function openBlock(id: string, { passage, keepsFocus = false }: OpenBlockOptions = {}): boolean {
  const card = document.querySelector<HTMLElement>(`[data-block="${CSS.escape(id)}"]`)
  if (card === null) return false
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
  // On a phone a panel covers the lower half.
  const block = matchMedia('(width < 700px)').matches ? 'start' : 'nearest'
  card.scrollIntoView({ block, inline: 'nearest', behavior: isCalm ? 'auto' : 'smooth' })
  if (keepsFocus) return true
  const field = card.querySelector<HTMLElement>('[aria-label^="Content of"]')
  field?.focus({ preventScroll: true })
  if (field instanceof HTMLTextAreaElement && passage !== undefined) {
    const at = field.value.indexOf(passage)
    if (at !== -1) field.setSelectionRange(at, at + passage.length)
  }
  return true
}
