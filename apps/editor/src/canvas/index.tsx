import { lazy, type ReactNode } from 'react'
import type { BoardCanvasProps } from './board-canvas.tsx'

/** The canvas with the blocks as nodes. Its code is loaded when it is first shown: a phone with the list does not need it. */
export const BoardCanvas = lazy<(props: BoardCanvasProps) => ReactNode>(async () => ({
  default: (await import('./board-canvas.tsx')).BoardCanvas,
}))
