// @vitest-environment happy-dom
import { addComment, commentThreads, type Json } from '@joinery/blocks'
import { act } from 'react'
import { expect, it } from 'vitest'
import { readFrame, readPosition } from './board-position.ts'
import { copyBlocks, pasteBlocks } from './copied-blocks.ts'
import { createFrame } from './frames.ts'
import { deleteBlocks } from './node-edits.ts'
import { exchange, offlineWorkspace, renderHook } from './testing/canvas.ts'
import { useFlowNodes } from './use-flow-nodes.ts'

const author = { source: 'user_action', actor: 'ann' } as const
const size = { width: 200, height: 100 }

/** A board of blocks `a`, `b` and `c`, the first two in a frame. */
async function board() {
  const workspace = offlineWorkspace()
  for (const id of ['a', 'b', 'c']) workspace.blocks.create(id, { type: 'text' })
  const hook = await renderHook(workspace, () => useFlowNodes({ author, size: { ...size } }))
  const node = (id: string) => hook.last().nodes.find((it) => it.id === id) ?? expect.fail(`no node ${id}`)
  const at = (id: string) => [node(id).position.x, node(id).position.y]
  const move = (id: string, x: number, y: number, dragging = false) =>
    act(async () => hook.last().onNodesChange([{ type: 'position', id, position: { x, y }, dragging }]))
  const frame = await act(async () => createFrame(workspace, [node('a'), node('b')], { title: 'Plan', author }))
  return { workspace, hook, node, at, move, frame: frame.id }
}

it('[RF11] a frame is made around blocks, below them, and takes them along while it is dragged and at the drop', async () => {
  const { workspace, node, at, move, frame } = await board()
  expect(node(frame)).toMatchObject({
    type: 'frame',
    zIndex: -1,
    data: { title: 'Plan' },
    position: { x: -32, y: -76 },
  })
  expect(node(frame)).toMatchObject({ width: 544, height: 208 })
  expect([node('a').data.frame, node('b').data.frame, node('c').data.frame]).toEqual([frame, frame, undefined])
  const before = [workspace.blocks.get('a')?.fields.get('position'), at('c')]
  await move(frame, 968, 924, true)
  expect([at('a'), at('b')]).toEqual([
    [1_000, 1_000],
    [1_280, 1_000],
  ])
  await move(frame, 968, 924)
  expect([at('a'), at('b')]).toEqual([
    [1_000, 1_000],
    [1_280, 1_000],
  ])
  expect([workspace.blocks.get('a')?.fields.get('position'), at('c')]).toEqual(before)
  await act(async () => void workspace.undo.undo())
  expect(at('a')).toEqual([0, 0])
})

it('[RF11] the drop decides in which frame a block stands, and a frame stands in none', async () => {
  const { workspace, node, at, move, frame } = await board()
  await move('c', 100, 20)
  expect(node('c').data.frame).toBe(frame)
  await move('a', 3_000, 20)
  expect(node('a').data.frame).toBeUndefined()
  const inner = await act(async () => createFrame(workspace, [], { title: 'Inner', author, at: { x: 0, y: 0 } }))
  await move(inner.id, 10, 10)
  expect(readFrame(workspace.blocks.get(inner.id)?.fields.get('position'))).toBeUndefined()
  await act(async () => inner.fields.set('position', { x: 1, y: 2, frame: { id: frame, dx: 5, dy: 5 } }, author))
  expect(at(inner.id)).toEqual([1, 2])
})

it('[RF11] a frame that is dropped over blocks, or made larger over them, takes in those that stand in no frame', async () => {
  const { workspace, hook, node, at, move, frame } = await board()
  const other = await act(async () => createFrame(workspace, [], { title: 'Other', author, at: { x: 4_000, y: 0 } }))
  await move('c', 2_000, 2_000)
  await move(other.id, 1_900, 1_900, true)
  expect(node('c').data.frame).toBeUndefined()
  await move(other.id, 1_900, 1_900)
  expect([node('c').data.frame, at('c')]).toEqual([other.id, [2_000, 2_000]])
  await act(async () => void workspace.undo.undo())
  expect([node('c').data.frame, at(other.id)]).toEqual([undefined, [4_000, 0]])
  const grow = { id: other.id, dimensions: { width: 900, height: 900 }, setAttributes: true } as const
  await move('c', 4_700, 700)
  await act(async () => hook.last().onNodesChange([{ type: 'dimensions', ...grow, resizing: true }]))
  expect(node('c').data.frame).toBeUndefined()
  await act(async () => hook.last().onNodesChange([{ type: 'dimensions', ...grow, resizing: false }]))
  expect([node('c').data.frame, node('a').data.frame]).toEqual([other.id, frame])
  // A block in a frame stays in it.
  await move(other.id, -40, -80)
  expect(node('a').data.frame).toBe(frame)
})

it('[RF11] blocks in a deleted frame stay where they are, also when one is moved into it meanwhile', async () => {
  const { workspace, node, at, move, frame } = await board()
  const other = offlineWorkspace()
  exchange(workspace, other)
  await move(frame, 468, 424)
  const nodes = await renderHook(other, () => useFlowNodes({ author, size: { ...size } }))
  await act(async () =>
    nodes.last().onNodesChange([{ type: 'position', id: 'c', position: { x: 50, y: 10 }, dragging: false }]),
  )
  await act(async () => void deleteBlocks(workspace, [frame], author))
  expect([at('a'), at('b'), node('a').data.frame]).toEqual([[500, 500], [780, 500], undefined])
  await act(async () => exchange(workspace, other))
  expect([at('a'), at('b'), at('c')]).toEqual([
    [500, 500],
    [780, 500],
    [50, 10],
  ])
  await act(async () => void workspace.undo.undo())
  await act(async () => void workspace.undo.undo())
  expect(at('a')).toEqual([0, 0])
})

it('[RF11] of a moved frame and a block moved out of it at the same time, both count', async () => {
  const { workspace, at, node, move, frame } = await board()
  const other = offlineWorkspace()
  exchange(workspace, other)
  const there = await renderHook(other, () => useFlowNodes({ author, size: { ...size } }))
  await move(frame, 968, 924)
  await act(async () =>
    there.last().onNodesChange([
      { type: 'position', id: 'a', position: { x: 5_000, y: 0 }, dragging: false },
      { type: 'position', id: 'b', position: { x: 270, y: 30 }, dragging: false },
    ]),
  )
  await act(async () => exchange(workspace, other))
  expect([at('a'), node('a').data.frame]).toEqual([[5_000, 0], undefined])
  expect([at('b'), node('b').data.frame]).toEqual([[1_270, 1_030], frame])
  expect(there.last().nodes.map(({ position }) => position)).toEqual(
    ['a', 'b', 'c', frame].map((id) => node(id).position),
  )
})

it('[RF9, RF11] a copied frame has copies of its blocks, at their shown places and without comments', async () => {
  const { workspace, node, at, move, frame } = await board()
  await move(frame, 968, 924)
  await act(async () => void addComment(workspace.blocks.get('a') ?? expect.fail(), { text: 'Why?' }, author))
  const places = new Map([frame, 'a', 'b'].map((id) => [id, node(id).position]))
  const copied = copyBlocks(workspace, ['a', frame, 'b'], places)
  const [a = '', copy = '', b = ''] = await act(async () => pasteBlocks(workspace, copied, { x: 10, y: 20 }, author))
  expect([at(a), at(copy), at(b)]).toEqual([
    [1_010, 1_020],
    [978, 944],
    [1_290, 1_020],
  ])
  expect([node(a).data.frame, node(b).data.frame]).toEqual([copy, copy])
  expect(commentThreads(workspace.blocks.get(a) ?? expect.fail())).toEqual([])
})

it('[RF2] a frame that is none counts as none', () => {
  const bounds = { id: 'f', dx: 0, dy: 2_000_000 }
  for (const frame of [null, 7, {}, { id: 'f' }, { id: '', dx: 0, dy: 0 }, bounds] as Json[]) {
    expect(readFrame({ x: 0, y: 0, frame })).toBeUndefined()
    expect(readPosition({ x: 0, y: 0, frame })).toEqual({ x: 0, y: 0 })
  }
})
