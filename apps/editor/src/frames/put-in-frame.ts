import type { ClaimAuthor } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import { FRAME_SIZE, type Point, placedBlocksOf, setPosition, setSize } from '@joinery/react-flow'
import { NODE_SIZE } from '../canvas/node-size.ts'

/** Space around the blocks of a frame, pixels of the flow, and the room of its title. */
const SPACE = 32
const TITLE = 76

/**
 * Puts a block into a frame without a pointer, at the first place where it lies on no other block of the frame. The frame grows
 * if it has no such place. One undo step. Does nothing for a frame that nobody has placed yet.
 */
export function putInFrame(workspace: Workspace, id: string, frameId: string, author: ClaimAuthor): void {
  const all = placedBlocksOf(workspace).get()
  const frame = all.find((it) => it.id === frameId)
  const [block, frameBlock] = [workspace.blocks.get(id), workspace.blocks.get(frameId)]
  const corner = frame?.position
  if (corner === undefined || block === undefined || frameBlock === undefined) return
  const size = frame?.size ?? FRAME_SIZE
  const members = all.flatMap(({ id: other, frame: within, size: own = NODE_SIZE }) =>
    within?.id === frameId && other !== id ? [{ x: within.dx, y: within.dy, ...own }] : [],
  )
  const isFree = ({ x, y }: Point): boolean =>
    members.every(
      (it) =>
        x >= it.x + it.width || x + NODE_SIZE.width <= it.x || y >= it.y + it.height || y + NODE_SIZE.height <= it.y,
    )
  const columns = Math.max(1, Math.floor((size.width - SPACE) / (NODE_SIZE.width + SPACE)))
  let slot = 0
  const placeOf = (n: number): Point => ({
    x: SPACE + (n % columns) * (NODE_SIZE.width + SPACE),
    y: TITLE + Math.floor(n / columns) * (NODE_SIZE.height + SPACE),
  })
  while (!isFree(placeOf(slot))) slot += 1
  const at = placeOf(slot)
  const needed = {
    width: Math.max(size.width, at.x + NODE_SIZE.width + SPACE),
    height: Math.max(size.height, at.y + NODE_SIZE.height + SPACE),
  }
  workspace.undo.split()
  workspace.transact(() => {
    setPosition(block, { x: corner.x + at.x, y: corner.y + at.y }, author, { id: frameId, position: corner })
    if (needed.width > size.width || needed.height > size.height) setSize(frameBlock, needed, author)
  })
  workspace.undo.split()
}

/** Takes a block out of its frame, to the right of it, as one undo step. */
export function takeOutOfFrame(workspace: Workspace, id: string, author: ClaimAuthor): void {
  const all = placedBlocksOf(workspace).get()
  const within = all.find((it) => it.id === id)?.frame
  const frame = all.find((it) => it.id === within?.id)
  const block = workspace.blocks.get(id)
  if (within === undefined || block === undefined || frame?.position === undefined) return
  const { x, y } = frame.position
  workspace.undo.split()
  setPosition(block, { x: x + (frame.size ?? FRAME_SIZE).width + SPACE, y: y + within.dy }, author)
  workspace.undo.split()
}
