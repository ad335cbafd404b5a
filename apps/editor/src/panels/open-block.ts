import { flushSync } from 'react-dom'
import { drawCard } from '../list/near-cards.ts'

export interface OpenBlockOptions {
  /** Text to select in the block's text, if it is still there. */
  readonly passage?: string
  /** Whether the focus stays where it is; otherwise it moves into the block's text. */
  readonly keepsFocus?: boolean
  /** Whether the focus came backwards, from behind the block: it moves to the block's last control then. */
  readonly isFromBehind?: boolean
}

/** The canvas, for the rest of the page, which can't scroll in it. */
export interface CanvasDoor {
  /** Brings a block into view; false if there is no such block. */
  readonly show: (id: string) => boolean
  /** Brings the neighbourhood of a place into view. */
  readonly showPlace: (at: { readonly x: number; readonly y: number }) => void
  /** Shows all blocks, or the first ones if all can't be read at once. */
  readonly fit: () => void
  /** Place for a new block near what is in view; undefined while the board arranges itself. */
  readonly freePlace: () => { readonly x: number; readonly y: number } | undefined
}

let canvas: CanvasDoor | undefined
/** The block that was opened last while the page had no canvas yet, and the element that had the focus then. */
let early: { readonly id: string; readonly options: OpenBlockOptions; readonly focused: Element | null } | undefined

/** Makes a canvas the one that shows blocks and finds places. Returns the function that ends it. */
export function openCanvasDoor(door: CanvasDoor): () => void {
  canvas = door
  return () => {
    if (canvas === door) canvas = undefined
  }
}

/** Opens, on a canvas that is drawn now, the block that was opened before. A focus that has moved since stays where it is. */
export function openEarlyBlock(): void {
  const opened = early
  early = undefined
  if (opened === undefined) return
  const isMoved = document.activeElement !== opened.focused
  openBlock(opened.id, isMoved ? { keepsFocus: true } : opened.options)
}

/** Place for a new block; undefined if the order of the blocks decides. */
export const freePlace: CanvasDoor['freePlace'] = () => canvas?.freePlace()

/** Brings the neighbourhood of a place of the canvas into view, if the canvas is shown. */
export const openPlace: CanvasDoor['showPlace'] = (at) => canvas?.showPlace(at)

/** Shows the whole board, if the canvas is shown. */
export const fitBoard: CanvasDoor['fit'] = () => canvas?.fit()

/**
 * Brings a block into view and the focus into its text. Returns false if the page does not show the block; before the canvas is there,
 * the block is opened as soon as it is drawn.
 */
export function openBlock(id: string, options: OpenBlockOptions = {}): boolean {
  const { passage, keepsFocus = false, isFromBehind = false } = options
  // Rendered at once: a canvas leaves out of the page what is far away.
  const isOnCanvas = flushSync(() => canvas?.show(id) === true)
  const find = () => document.querySelector<HTMLElement>(`[data-block="${CSS.escape(id)}"]`)
  const there = find()
  if (there === null) {
    if (canvas === undefined) early = { id, options, focused: document.activeElement }
    return false
  }
  drawCard(there)
  const card = find() ?? there
  if (!isOnCanvas) scrollTo(card)
  if (keepsFocus) return true
  if (isFromBehind) {
    lastControl(card)?.focus()
    return true
  }
  const field = card.querySelector<HTMLElement>('[aria-label^="Content of"]')
  field?.focus({ preventScroll: true })
  if (field instanceof HTMLTextAreaElement && passage !== undefined) {
    const at = field.value.indexOf(passage)
    if (at !== -1) field.setSelectionRange(at, at + passage.length)
  }
  return true
}

function lastControl(card: HTMLElement): HTMLElement | undefined {
  const controls = card.querySelectorAll<HTMLElement>('button, input, select, textarea, a[href]')
  return [...controls].findLast((it) => it.tabIndex >= 0 && !it.matches(':disabled') && it.checkVisibility())
}

function scrollTo(card: HTMLElement): void {
  // A long way is no use to see: it would lead through cards that are not drawn yet.
  const isFar = Math.abs(card.getBoundingClientRect().top) > 3 * innerHeight
  const isCalm = isFar || matchMedia('(prefers-reduced-motion: reduce)').matches
  // On a phone a panel covers the lower half.
  const block = matchMedia('(width < 700px)').matches ? 'start' : 'nearest'
  card.scrollIntoView({ block, inline: 'nearest', behavior: isCalm ? 'auto' : 'smooth' })
}
