export interface OpenBlockOptions {
  /** Text to select in the block's text, if it is still there. */
  readonly passage?: string
  /** Whether the focus stays where it is; otherwise it moves into the block's text. */
  readonly keepsFocus?: boolean
}

/** Brings a block into view and the focus into its text. Returns false if the page does not show the block. */
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
