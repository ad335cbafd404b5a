import { type Block, type ClaimAuthor, isBlockId, type Json } from '@joinery/blocks'

/** Field of a block that holds its place on the canvas, `{ x, y }` in pixels of the flow. */
export const POSITION_FIELD = 'position'
/** Field of a block that holds the size a person gave it, `{ width, height }` in pixels of the flow. */
export const SIZE_FIELD = 'size'

/** Largest distance of a position from the origin, pixels. Farther away a browser draws with visible rounding errors. */
export const POSITION_MAX = 1_000_000
/** Smallest and largest side of a node, pixels: smaller can't be grabbed, and the largest frame holds about two thousand blocks. */
export const SIZE_MIN = 40
export const SIZE_MAX = 20_000

export interface Point {
  readonly x: number
  readonly y: number
}
/** A place within a frame: the frame's block, and the distance from its upper left corner. */
export interface FramePlace {
  readonly id: string
  readonly dx: number
  readonly dy: number
}
export interface Size {
  readonly width: number
  readonly height: number
}

/** The position that a field's value holds; undefined for any value that is none, which any client may have written. */
export function readPosition(value: Json | undefined): Point | undefined {
  const x = numberIn(value, 'x')
  const y = numberIn(value, 'y')
  if (x === undefined || y === undefined) return undefined
  return Math.abs(x) <= POSITION_MAX && Math.abs(y) <= POSITION_MAX ? { x, y } : undefined
}

/**
 * The frame that a position names; undefined if it names none. The block then stands relative to the frame, wherever that is. If the
 * frame is gone, the position's `x` and `y` count.
 */
export function readFrame(value: Json | undefined): FramePlace | undefined {
  const frame = objectOf(value)?.frame
  const id = objectOf(frame)?.id
  const [dx, dy] = [numberIn(frame, 'dx'), numberIn(frame, 'dy')]
  if (!isBlockId(id) || dx === undefined || dy === undefined) return undefined
  return Math.abs(dx) <= POSITION_MAX && Math.abs(dy) <= POSITION_MAX ? { id, dx, dy } : undefined
}

/** The size that a field's value holds; undefined for any value that is none. */
export function readSize(value: Json | undefined): Size | undefined {
  const width = numberIn(value, 'width')
  const height = numberIn(value, 'height')
  if (width === undefined || height === undefined) return undefined
  const isSide = (side: number): boolean => side >= SIZE_MIN && side <= SIZE_MAX
  return isSide(width) && isSide(height) ? { width, height } : undefined
}

/**
 * Writes a block's position as one value, so that of two people who move it at once one position stays, and never the x of one
 * with the y of the other. Rounded to whole pixels, and kept within {@link POSITION_MAX}. With `frame`, the block stands in that
 * frame and moves with it; `frame.position` is where the frame stands now.
 */
export function setPosition(
  block: Block,
  { x, y }: Point,
  author: ClaimAuthor,
  frame?: { readonly id: string; readonly position: Point },
): void {
  const kept = (value: number): number => Math.max(-POSITION_MAX, Math.min(POSITION_MAX, Math.round(value))) || 0
  const at = { x: kept(x), y: kept(y) }
  const within = frame && { id: frame.id, dx: kept(x - frame.position.x), dy: kept(y - frame.position.y) }
  block.fields.set(POSITION_FIELD, within === undefined ? at : { ...at, frame: within }, author)
}

/** Writes a block's size as one value, rounded and kept between {@link SIZE_MIN} and {@link SIZE_MAX}. */
export function setSize(block: Block, { width, height }: Size, author: ClaimAuthor): void {
  const kept = (value: number): number => Math.max(SIZE_MIN, Math.min(SIZE_MAX, Math.round(value))) || SIZE_MIN
  block.fields.set(SIZE_FIELD, { width: kept(width), height: kept(height) }, author)
}

function numberIn(value: Json | undefined, key: string): number | undefined {
  const number = objectOf(value)?.[key]
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json | undefined>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : undefined
}
