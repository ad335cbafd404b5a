/** Brings a block into view and puts the keyboard into its text, on `passage` where that still stands. False when the page does not show it. */
export function openBlock(id: string, passage?: string): boolean {
  const card = document.querySelector<HTMLElement>(`[data-block="${CSS.escape(id)}"]`)
  if (card === null) return false
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
  // On a phone the panel covers the lower half.
  const block = matchMedia('(width < 700px)').matches ? 'start' : 'center'
  card.scrollIntoView({ block, inline: 'center', behavior: isCalm ? 'auto' : 'smooth' })
  const field = card.querySelector<HTMLElement>('[aria-label^="Content of"]')
  field?.focus({ preventScroll: true })
  if (field instanceof HTMLTextAreaElement && passage !== undefined) {
    const at = field.value.indexOf(passage)
    if (at !== -1) field.setSelectionRange(at, at + passage.length)
  }
  return true
}
