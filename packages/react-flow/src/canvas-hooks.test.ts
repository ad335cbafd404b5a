// @vitest-environment happy-dom
import { setEdge } from '@joinery/blocks'
import { moveBlock } from '@joinery/client'
import { act } from 'react'
import { describe, expect, it } from 'vitest'
import { copyBlocks, pasteBlocks, readCopied } from './copied-blocks.ts'
import { exchange, offlineWorkspace, renderHook } from './testing/canvas.ts'
import { useFlowEdges } from './use-flow-edges.ts'
import { useFlowNodes } from './use-flow-nodes.ts'

const author = { source: 'user_action', actor: 'ann' } as const
const size = { width: 200, height: 100 }

async function board(...ids: string[]) {
  const workspace = offlineWorkspace()
  for (const id of ids) workspace.blocks.create(id, { type: 'text' })
  workspace.undo.clear()
  const nodes = await renderHook(workspace, () => useFlowNodes({ author, size: { ...size } }))
  const edges = await renderHook(workspace, useFlowEdges)
  const at = () => Object.fromEntries(nodes.last().nodes.map(({ id, position }) => [id, [position.x, position.y]]))
  const change = (...changes: Parameters<ReturnType<typeof useFlowNodes>['onNodesChange']>[0]) =>
    act(async () => nodes.last().onNodesChange(changes))
  const drag = (id: string, x: number, y: number, dragging: boolean) => ({
    type: 'position' as const,
    id,
    position: { x, y },
    dragging,
  })
  return { workspace, nodes, edges, at, change, drag }
}

describe('nodes', () => {
  it('[RF3, RF10] unmoved blocks stand in a grid, in their order, with sizes and handles', async () => {
    const { workspace, nodes, at } = await board('a', 'b', 'c', 'd', 'e')
    expect(at()).toEqual({ a: [0, 0], b: [280, 0], c: [560, 0], d: [840, 0], e: [0, 148] })
    await act(async () => void moveBlock(workspace, 'b', -1, author))
    expect(nodes.last().nodes.map(({ id }) => id)).toEqual(['b', 'a', 'c', 'd', 'e'])
    expect(at()).toMatchObject({ b: [0, 0], a: [280, 0] })
    expect(nodes.last().nodes[0]).toMatchObject({ ...size, type: 'text', handles: [{ type: 'target' }, { x: 200 }] })
  })

  it('[RF4] a node stays the same object, and typing and statuses render nothing', async () => {
    const { workspace, nodes, edges, change, drag } = await board('a', 'b')
    const [a, b] = nodes.last().nodes
    const renders = [nodes.renders(), edges.renders()]
    await act(async () => workspace.blocks.get('a')?.content.insert(0, 'typed'))
    await act(async () => void workspace.blocks.get('a')?.indexingList.startRun('main', author))
    expect([nodes.renders(), edges.renders()]).toEqual(renders)
    await change(drag('a', 5, 5, false))
    expect(nodes.last().nodes[0]).not.toBe(a)
    expect(nodes.last().nodes[1]).toBe(b)
    await act(async () => workspace.blocks.get('b')?.fields.set('title', 'Plan', author))
    expect(nodes.last().nodes[1]).toMatchObject({ ariaLabel: 'Plan', data: { title: 'Plan' } })
    expect(edges.renders()).toBe(renders[1])
  })

  it('[RF5] a drag is seen here alone until the drop, which is one undo step for all dragged nodes', async () => {
    const { workspace, at, change, drag, nodes } = await board('a', 'b')
    await act(async () => workspace.transact(() => workspace.blocks.get('a')?.content.insert(0, 'typed')))
    await change(drag('a', 11, 12.4, true), drag('b', 300, 9, true))
    expect(at()).toEqual({ a: [11, 12.4], b: [300, 9] })
    expect(workspace.blocks.get('a')?.fields.get('position')).toBeUndefined()
    await change(drag('a', 20, 30.4, false), drag('b', 310, 40, false))
    expect(workspace.blocks.get('a')?.fields.get('position')).toEqual({ x: 20, y: 30 })
    expect(at()).toEqual({ a: [20, 30], b: [310, 40] })
    expect(nodes.last().nodes[0]?.dragging).toBeUndefined()
    await act(async () => void workspace.undo.undo())
    expect(at()).toEqual({ a: [0, 0], b: [280, 0] })
    expect(workspace.blocks.get('a')?.text).toBe('typed')
    await act(async () => void workspace.undo.redo())
    expect(at()).toEqual({ a: [20, 30], b: [310, 40] })
  })

  it('[RF5] a resize is written when it ends', async () => {
    const { workspace, nodes, change } = await board('a')
    const resize = (width: number, resizing: boolean) =>
      ({ type: 'dimensions', id: 'a', dimensions: { width, height: 90 }, resizing, setAttributes: true }) as const
    await change(resize(333, true))
    expect(nodes.last().nodes[0]).toMatchObject({ width: 333, height: 90, resizing: true })
    expect(workspace.blocks.get('a')?.fields.get('size')).toBeUndefined()
    await change(resize(350, false))
    expect(workspace.blocks.get('a')?.fields.get('size')).toEqual({ width: 350, height: 90 })
    expect(nodes.last().nodes[0]).toMatchObject({ width: 350, height: 90, handles: [{}, { x: 350 }] })
  })

  it('[RF6] deleting nodes deletes their blocks and edges, as one step that spares what was typed', async () => {
    const { workspace, nodes, edges, change } = await board('a', 'b', 'c')
    await act(async () => {
      setEdge(workspace.doc, 'a~b', { source: 'a', target: 'b' })
      setEdge(workspace.doc, 'b~c', { source: 'b', target: 'c' })
    })
    workspace.undo.clear()
    await act(async () => workspace.transact(() => workspace.blocks.get('a')?.content.insert(0, 'typed')))
    // As React Flow tells it: the edges first, then the nodes.
    await act(async () => {
      edges.last().onEdgesChange([{ type: 'remove', id: 'a~b' }])
      nodes.last().onNodesChange([{ type: 'remove', id: 'a' }])
    })
    expect(nodes.last().nodes.map(({ id }) => id)).toEqual(['b', 'c'])
    expect(edges.last().edges.map(({ id }) => id)).toEqual(['b~c'])
    await act(async () => void workspace.undo.undo())
    expect(workspace.blocks.get('a')?.text).toBe('typed')
    expect(edges.last().edges.map(({ id }) => id)).toEqual(['a~b', 'b~c'])
    await change({ type: 'remove', id: 'gone' })
    expect(nodes.last().nodes).toHaveLength(3)
  })

  it('[RF4] a selection is seen here alone', async () => {
    const { workspace, nodes, edges, change } = await board('a', 'b')
    await act(async () => setEdge(workspace.doc, 'a~b', { source: 'a', target: 'b' }))
    const before = workspace.doc.store.clients.size
    await change({ type: 'select', id: 'a', selected: true })
    await act(async () => edges.last().onEdgesChange([{ type: 'select', id: 'a~b', selected: true }]))
    expect([nodes.last().nodes[0]?.selected, edges.last().edges[0]?.selected]).toEqual([true, true])
    await change({ type: 'select', id: 'a', selected: false })
    expect(nodes.last().nodes[0]?.selected).toBeUndefined()
    expect(workspace.doc.store.clients.size).toBe(before)
  })
})

describe('edges', () => {
  it('[RF7] two people who connect two blocks at once draw one edge, and none from a block to itself', async () => {
    const ann = await board('a', 'b')
    const bob = await board('a', 'b')
    exchange(ann.workspace, bob.workspace)
    const connection = { source: 'a', target: 'b', sourceHandle: null, targetHandle: null }
    for (const { edges } of [ann, bob]) await act(async () => edges.last().onConnect(connection))
    await act(async () => exchange(ann.workspace, bob.workspace))
    await act(async () => ann.edges.last().onConnect({ ...connection, target: 'a' }))
    for (const { edges } of [ann, bob]) expect(edges.last().edges).toMatchObject([{ source: 'a', target: 'b' }])
  })

  it('[RF8] an edge takes nothing over that a page would obey, and needs its blocks', async () => {
    const { workspace, edges } = await board('a', 'b')
    const foreign = { label: 'feeds', style: { display: 'none' }, type: 'none', className: 'x', sourceHandle: 7 }
    await act(async () => setEdge(workspace.doc, 'e', { source: 'a', target: 'b', ...foreign }))
    await act(async () => setEdge(workspace.doc, 'f', { source: 'a', target: 'gone' }))
    const [edge, ...others] = edges.last().edges
    expect(others).toEqual([])
    expect(Object.keys(edge ?? {}).sort()).toEqual(['data', 'id', 'label', 'source', 'target'])
    expect(edge?.data?.edge).toMatchObject(foreign)
    await act(async () => void workspace.blocks.create('gone', { type: 'text' }))
    expect(edges.last().edges).toHaveLength(2)
    expect(edges.last().edges[0]).toBe(edge)
  })
})

describe('copies', () => {
  it('[RF9] pasted blocks are new ones with types, texts, fields, edges and their arrangement, and one undo step', async () => {
    const { workspace, nodes, edges, at, change, drag } = await board('a', 'b', 'c')
    await act(async () => {
      workspace.blocks.get('a')?.content.insert(0, 'text of a')
      workspace.blocks.get('a')?.fields.set('title', 'Plan', author)
      setEdge(workspace.doc, 'a~b', { source: 'a', target: 'b' })
    })
    await change(drag('a', 50, 60, false))
    const places = new Map(nodes.last().nodes.map(({ id, position }) => [id, position]))
    const text = JSON.stringify(copyBlocks(workspace, ['a', 'b'], places))
    const copied = readCopied(text) ?? expect.fail('no copy')
    let ids: string[] = []
    await act(async () => {
      ids = pasteBlocks(workspace, copied, { x: 10, y: 10 }, author)
    })
    const [first = '', second = ''] = ids
    expect(nodes.last().nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c', first, second])
    expect(at()).toMatchObject({ [first]: [60, 70], [second]: [290, 10] })
    expect(workspace.blocks.get(first)?.text).toBe('text of a')
    expect(workspace.blocks.get(first)?.fields.get('title')).toBe('Plan')
    expect(edges.last().edges).toHaveLength(2)
    await act(async () => void workspace.undo.undo())
    expect(nodes.last().nodes).toHaveLength(3)
    expect(edges.last().edges).toHaveLength(1)
  })

  it('[RF9] any other text is no copy', () => {
    const block = { type: 'text', content: '', fields: {} }
    const copy = { joinery: 'blocks@1', blocks: [block], edges: [] }
    expect(readCopied(JSON.stringify(copy))).toEqual(copy)
    for (const other of [
      'plain',
      '"blocks@1"',
      '{"joinery":"blocks@1"',
      JSON.stringify({ ...copy, blocks: [{ ...block, content: 1 }] }),
      JSON.stringify({ ...copy, blocks: [null] }),
      JSON.stringify({ ...copy, edges: [['__proto__']] }),
      JSON.stringify({ ...copy, blocks: Array.from({ length: 501 }, () => block) }),
    ]) {
      expect(readCopied(other)).toBeUndefined()
    }
  })
})
