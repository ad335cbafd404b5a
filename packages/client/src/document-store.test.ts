import { createBlock, listEdges, setEdge } from '@joinery/blocks'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { blockIdsOf, moveBlock, placeLast } from './block-order.ts'
import { documentStore } from './document-store.ts'
import { followBlock } from './follow-block.ts'
import { connectWorkspace, type Workspace } from './workspace.ts'
import { edgesOf } from './workspace-edges.ts'

const open: Workspace[] = []
afterEach(async () => {
  for (const workspace of open.splice(0)) await workspace.close()
})

/** A workspace that never gets as far as a socket. */
function offlineWorkspace(): Workspace {
  const token = () => new Promise<never>(() => undefined)
  const workspace = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false, token })
  open.push(workspace)
  return workspace
}

describe('documentStore', () => {
  it('[C77] reads once for all who listen after each change, and has one observer until the last is gone', () => {
    const workspace = offlineWorkspace()
    let reads = 0
    let attached = 0
    const store = documentStore(
      workspace,
      0,
      (doc, onChange) => {
        attached++
        doc.getMap('m').observe(onChange)
        return () => {
          attached--
          doc.getMap('m').unobserve(onChange)
        }
      },
      (doc) => {
        reads++
        return doc.getMap('m').size
      },
    )
    const heard: string[] = []
    const stop = ['a', 'b'].map((name) => store.subscribe(() => heard.push(`${name}${store.get()}`)))
    expect([store.get(), store.get(), reads, attached]).toEqual([0, 0, 1, 1])
    workspace.doc.getMap('m').set('x', 1)
    expect(heard).toEqual(['a1', 'b1'])
    expect([store.get(), reads]).toEqual([1, 2])
    for (const end of [...stop, ...stop]) end()
    expect(attached).toBe(0)
    // Nobody is told any more, so that every question is a new one.
    workspace.doc.getMap('m').set('y', 1)
    expect([store.get(), store.get(), reads]).toEqual([2, 2, 4])
    expect(heard).toHaveLength(2)
    store.subscribe(() => heard.push('again'))
    workspace.doc.getMap('m').set('z', 1)
    expect([store.get(), heard.at(-1), attached]).toEqual([3, 'again', 1])
  })
})

describe('what a list of blocks and edges shows', () => {
  it('[C77] blockIdsOf is one list until a block comes or goes', () => {
    const workspace = offlineWorkspace()
    const ids = blockIdsOf(workspace)
    expect(blockIdsOf(workspace)).toBe(ids)
    let heard = 0
    ids.subscribe(() => heard++)
    workspace.blocks.create('b', { type: 'text' })
    workspace.blocks.create('a', { type: 'text' })
    const list = ids.get()
    expect(list).toEqual(['a', 'b'])
    workspace.blocks.get('a')?.content.insert(0, 'typed')
    expect([ids.get() === list, heard]).toEqual([true, 2])
    workspace.blocks.delete('a')
    expect(ids.get()).toEqual(['b'])
  })

  it('[C83] blockIdsOf is in the order of places, and another list when a block is moved or its move undone', () => {
    const workspace = offlineWorkspace()
    const author = { source: 'user_action', actor: 'ann' } as const
    const ids = blockIdsOf(workspace)
    ids.subscribe(() => undefined)
    for (const id of ['a', 'b', 'c']) workspace.blocks.create(id, { type: 'text' })
    expect(moveBlock(workspace, 'a', 1, author)).toEqual({ at: 1, of: 3 })
    expect(ids.get()).toEqual(['b', 'a', 'c'])
    expect(moveBlock(workspace, 'c', -9, author)).toEqual({ at: 0, of: 3 })
    expect(ids.get()).toEqual(['c', 'b', 'a'])
    const list = ids.get()
    workspace.blocks.get('b')?.fields.set('title', 'B', author)
    expect(ids.get()).toBe(list)
    workspace.undo.undo()
    workspace.undo.undo()
    expect(ids.get()).toEqual(['b', 'a', 'c'])
    workspace.blocks.create('0', { type: 'text' })
    placeLast(workspace, '0', author)
    expect(ids.get()).toEqual(['b', 'a', 'c', '0'])
    expect(moveBlock(workspace, 'missing', 1, author)).toBeUndefined()
  })

  it('[C77] edgesOf keeps the edges that did not change', () => {
    const workspace = offlineWorkspace()
    const edges = edgesOf(workspace)
    setEdge(workspace.doc, 'e1', { source: 'a', target: 'b' })
    const [first] = edges.get()
    edges.subscribe(() => undefined)
    setEdge(workspace.doc, 'e2', { source: 'b', target: 'c' })
    expect(edges.get()).toEqual(listEdges(workspace.doc))
    expect(edges.get()[0]).toBe(first)
    expect(edges.get()).toBe(edges.get())
  })
})

describe('followBlock', () => {
  it('[C77] hears of its part and its block alone, also when that is deleted and made again', () => {
    const workspace = offlineWorkspace()
    let heard = 0
    const stop = followBlock(workspace, 'a', 'content', () => heard++)
    const sinceLast = (): number => {
      const count = heard
      heard = 0
      return count
    }
    workspace.blocks.create('b', { type: 'text' }).content.insert(0, 'x')
    expect(sinceLast()).toBe(0)
    workspace.blocks.create('a', { type: 'text' })
    expect(sinceLast()).toBe(1)
    workspace.blocks.get('a')?.content.insert(0, 'x')
    expect(sinceLast()).toBe(1)
    workspace.blocks.get('a')?.fields.set('title', 'Plan', { source: 'user_action', actor: 'ann' })
    expect(sinceLast()).toBe(0)
    workspace.blocks.delete('a')
    expect(sinceLast()).toBe(1)
    workspace.blocks.create('a', { type: 'text' })
    expect(sinceLast()).toBe(1)
    const other = new Y.Doc()
    createBlock(other, 'a', { type: 'text' })
    Y.applyUpdate(other, Y.encodeStateAsUpdate(workspace.doc))
    other.getMap<Y.Map<Y.Text>>('blocks').get('a')?.get('content')?.insert(0, 'theirs')
    Y.applyUpdate(workspace.doc, Y.encodeStateAsUpdate(other))
    expect(sinceLast()).toBeGreaterThan(0)
    expect(workspace.blocks.get('a')?.text).toBe('theirs')
    stop()
    workspace.blocks.delete('a')
    expect(sinceLast()).toBe(0)
  })

  it('[C77] has one observer for all blocks and one for each, whoever follows, and none when nobody does', () => {
    const workspace = offlineWorkspace()
    const map = workspace.doc.getMap('blocks')
    const observers = { all: 0, a: 0 }
    const count = (target: Y.Map<unknown>, key: 'all' | 'a', add: 'observe' | 'observeDeep') => {
      vi.spyOn(target, add).mockImplementation(() => void observers[key]++)
      vi.spyOn(target, add === 'observe' ? 'unobserve' : 'unobserveDeep').mockImplementation(
        () => void observers[key]--,
      )
    }
    count(map, 'all', 'observe')
    count(workspace.blocks.create('a', { type: 'text' }).map, 'a', 'observeDeep')
    const parts = [undefined, 'content', 'content', 'fields']
    const stop = ['a', 'b', 'c'].flatMap((id) => parts.map((part) => followBlock(workspace, id, part, () => undefined)))
    expect(observers).toEqual({ all: 1, a: 1 })
    for (const end of stop) end()
    expect(observers).toEqual({ all: 0, a: 0 })
    followBlock(workspace, 'a', 'content', () => undefined)
    expect(observers).toEqual({ all: 1, a: 1 })
  })

  it('[C77] calls nobody who was ended by one called before', () => {
    const workspace = offlineWorkspace()
    const heard: string[] = []
    const stops: (() => void)[] = []
    for (const name of ['first', 'second']) {
      const listener = () => {
        heard.push(name)
        for (const stop of stops) stop()
      }
      stops.push(followBlock(workspace, 'a', undefined, listener))
    }
    workspace.blocks.create('a', { type: 'text' })
    expect(heard).toEqual(['first'])
  })
})
