// @vitest-environment happy-dom
import { act } from 'react'
import { expect, it } from 'vitest'
import { DRAG_FIELD, DRAG_LIMITS } from './live-drags.ts'
import { offlineWorkspace, renderHook } from './testing/canvas.ts'
import { useFlowNodes } from './use-flow-nodes.ts'

const author = { source: 'user_action', actor: 'ann' } as const
const size = { width: 200, height: 100 }

async function board(count: number) {
  const workspace = offlineWorkspace()
  for (let n = 0; n < count; n++) workspace.blocks.create(`block-${n}`, { type: 'text' })
  workspace.presence.set({ name: 'ann' })
  const { awareness } = workspace.presence
  const hook = await renderHook(workspace, () => useFlowNodes({ author, size: { ...size } }))
  const drag = (dragging: boolean, ...ids: number[]) =>
    act(async () =>
      hook
        .last()
        .onNodesChange(
          ids.map((n) => ({ type: 'position', id: `block-${n}`, position: { x: n + 0.4, y: 7 }, dragging })),
        ),
    )
  /** Another client's presence state, as the server hands it on. */
  const hear = (client: number, state: Record<string, unknown> | undefined) =>
    act(async () => {
      if (state === undefined) awareness.getStates().delete(client)
      else awareness.getStates().set(client, state)
      awareness.emit('change', [{ added: [], updated: [client], removed: [] }, 'remote'])
    })
  const said = () => awareness.getLocalState()?.[DRAG_FIELD] as Record<string, unknown> | undefined
  return { workspace, hook, drag, hear, said }
}

it('[RF12] a drag is said to the others in whole pixels, beside what the application says, until the drop', async () => {
  const { workspace, drag, said } = await board(2)
  await drag(true, 0, 1)
  await expect.poll(said).toEqual({ 'block-0': { x: 0, y: 7 }, 'block-1': { x: 1, y: 7 } })
  workspace.presence.set({ name: 'ann', cursor: 1 })
  expect(workspace.presence.awareness.getLocalState()).toMatchObject({ name: 'ann', cursor: 1, [DRAG_FIELD]: {} })
  await drag(false, 0, 1)
  expect(said()).toBeUndefined()
  expect(workspace.blocks.get('block-1')?.fields.get('position')).toEqual({ x: 1, y: 7 })
})

it('[RF12] a drag of very many blocks stays within its share of a presence state', async () => {
  const { workspace, drag, said } = await board(300)
  await drag(true, ...Array.from({ length: 300 }, (_, n) => n))
  await expect.poll(() => Object.keys(said() ?? {}).length).toBe(DRAG_LIMITS.blocksMax)
  expect(JSON.stringify(said()).length).toBeLessThan(DRAG_LIMITS.lengthMax)
  workspace.presence.set({ name: 'ann', cursor: 'x'.repeat(1_500) })
})

it('[RF12] a node stands where another drags it, says who, and returns when that person is gone', async () => {
  const { hook, hear, drag } = await board(2)
  const [first, second] = hook.last().nodes
  await hear(7, { name: 'bob', [DRAG_FIELD]: { 'block-0': { x: 500, y: 50 } } })
  expect(hook.last().nodes[0]).toMatchObject({ position: { x: 500, y: 50 }, data: { movedBy: 7 } })
  expect(hook.last().nodes[1]).toBe(second)
  const renders = hook.renders()
  await hear(7, { name: 'bob', typed: true, [DRAG_FIELD]: { 'block-0': { x: 500, y: 50 } } })
  expect(hook.renders()).toBe(renders)
  // A person sees their own drag.
  await drag(true, 0)
  expect(hook.last().nodes[0]).toMatchObject({ position: { x: 0.4, y: 7 }, data: { movedBy: undefined } })
  await hear(7, undefined)
  await drag(true, 1)
  await hear(8, {
    name: 'eve',
    [DRAG_FIELD]: { 'block-1': { x: 'far', y: 1 }, 'block-0': 3, __proto__: { x: 1, y: 1 } },
  })
  await hear(9, { name: 'eve', [DRAG_FIELD]: 'junk' })
  expect(hook.last().nodes[1]?.data.movedBy).toBeUndefined()
  expect(first?.position).toEqual({ x: 0, y: 0 })
})
