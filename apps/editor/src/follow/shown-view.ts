/** Field of a presence state with the part of the canvas that its person sees. */
export const VIEW_FIELD = 'view'

/** The part of a canvas in view: its middle in pixels of the flow, and the zoom. */
export interface ShownView {
  readonly x: number
  readonly y: number
  readonly zoom: number
}

const DISTANCE_MAX = 2_000_000
const ZOOM = { min: 0.05, max: 2 } as const

/** Reads a peer's view; undefined for any value that is none, since a peer may put anything there. */
export function readView(value: unknown): ShownView | undefined {
  const { x, y, zoom } = Object(value) as Record<string, unknown>
  const isPlace = (it: unknown): it is number => typeof it === 'number' && Math.abs(it) <= DISTANCE_MAX
  if (!isPlace(x) || !isPlace(y) || typeof zoom !== 'number' || !Number.isFinite(zoom)) return undefined
  return { x, y, zoom: Math.min(ZOOM.max, Math.max(ZOOM.min, zoom)) }
}

/** Id of the block in which a peer writes; undefined if they write in none. */
export function blockOf(state: Readonly<Record<string, unknown>>): string | undefined {
  const { block } = Object(state.cursor) as Record<string, unknown>
  return typeof block === 'string' ? block : undefined
}
