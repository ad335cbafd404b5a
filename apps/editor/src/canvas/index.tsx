import { latePart } from '../late-part.tsx'

/** The canvas with the blocks as nodes. Its code is loaded when it is first shown: a phone with the list does not need it. */
export const BoardCanvas = latePart(
  async () => (await import('./board-canvas.tsx')).BoardCanvas,
  (problem) => problem,
)
