/** Brings a block into view and puts the keyboard into its text. False when the page does not show it. */
export function openBlock(id: string): boolean {
  const card = document.querySelector<HTMLElement>(`[data-block="${CSS.escape(id)}"]`)
  if (card === null) return false
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
  card.scrollIntoView({ block: 'center', inline: 'center', behavior: isCalm ? 'auto' : 'smooth' })
  card.querySelector<HTMLElement>('[aria-label^="Content of"]')?.focus({ preventScroll: true })
  return true
}
