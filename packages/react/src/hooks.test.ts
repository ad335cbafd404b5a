// @vitest-environment happy-dom
import { moveBlock } from '@joinery/client'
import { act } from 'react'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { HooksError } from './hooks-error.ts'
import { probe, remotely, within } from './testing/probe.ts'
import { render } from './testing/render.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useBlock } from './use-block.ts'
import { useBlockType } from './use-block-type.ts'
import { useBlocks } from './use-blocks.ts'
import { useConflicts } from './use-conflicts.ts'
import { useConnectionStatus } from './use-connection-status.ts'
import { useContent } from './use-content.ts'
import { useEdges, useEdgesFrom } from './use-edges.ts'
import { useField } from './use-field.ts'
import { useIndexNames } from './use-index-names.ts'
import { useIndexingEntry } from './use-indexing-entry.ts'
import { useIndexingList } from './use-indexing-list.ts'
import { usePresence } from './use-presence.ts'
import { useSaveStatus } from './use-save-status.ts'
import { useUndo } from './use-undo.ts'
import { useWorkspace } from './use-workspace.ts'

const author = { source: 'user_action', actor: 'ann' } as const

describe('hooks that show', () => {
  it('[R9] useBlocks lists ids when blocks come, go and move, and is quiet when one changes', async () => {
    const workspace = offlineWorkspace()
    const ids = probe(useBlocks)
    await render(within(workspace, ids.node))
    expect(ids.last()).toEqual([])
    await act(async () => void workspace.blocks.create('b', { type: 'text' }))
    await act(async () => void workspace.blocks.create('a', { type: 'text' }))
    expect(ids.last()).toEqual(['a', 'b'])
    const before = ids.values.length
    await act(async () => workspace.blocks.get('a')?.content.insert(0, 'typed'))
    expect(ids.values).toHaveLength(before)
    await act(async () => void moveBlock(workspace, 'b', -1, author))
    expect(ids.last()).toEqual(['b', 'a'])
    await act(async () => void workspace.blocks.delete('a'))
    expect(ids.last()).toEqual(['b'])
  })

  it('[R6] useBlock and useContent follow a block when it is made late, edited, deleted and made again', async () => {
    const workspace = offlineWorkspace()
    const block = probe(() => useBlock('a'))
    const content = probe(() => useContent('a').value)
    const type = probe(() => useBlockType('a'))
    await render(within(workspace, block.node, content.node, type.node))
    expect(block.last()).toBeUndefined()
    await act(async () => workspace.blocks.create('a', { type: 'text' }).content.insert(0, 'one'))
    expect(block.last()?.id).toBe('a')
    expect(type.last()).toBe('text')
    expect(content.last()).toBe('one')
    await act(async () => void workspace.blocks.delete('a'))
    expect(content.last()).toBe('')
    await act(async () => workspace.blocks.create('a', { type: 'text' }).content.insert(0, 'two'))
    expect(content.last()).toBe('two')
    await act(async () => workspace.blocks.get('a')?.content.insert(0, 'number '))
    expect(content.last()).toBe('number two')
  })

  it('[R6] useContent reads and never writes when a stock client gave the block no text', async () => {
    const workspace = offlineWorkspace()
    const content = probe(() => useContent('a'))
    await render(within(workspace, content.node))
    await act(async () => void workspace.doc.getMap('blocks').set('a', new Y.Map()))
    expect(content.last()).toMatchObject({ value: '', yText: undefined })
    expect((workspace.doc.getMap('blocks').get('a') as Y.Map<unknown>).size).toBe(0)
    await act(async () => void workspace.blocks.get('a')?.map.set('content', new Y.Text('theirs')))
    expect(content.last().value).toBe('theirs')
  })

  it('[R7] typing in block A renders nothing in block B', async () => {
    const workspace = offlineWorkspace()
    for (const id of ['a', 'b']) {
      const block = workspace.blocks.create(id, { type: 'text' })
      block.fields.set('title', id, author)
      block.indexingList.startRun('main', author)
    }
    const shows = (id: string) =>
      [
        () => useBlock(id),
        () => useBlockType(id),
        () => useContent(id),
        () => useField(id, 'title'),
        () => useIndexingList(id),
        () => useIndexNames(id),
        () => useIndexingEntry(id, 'main'),
      ].map((useValue) => probe<unknown>(useValue))
    const a = shows('a')
    const b = shows('b')
    await render(within(workspace, ...[...a, ...b].map((one) => one.node)))
    const before = [a.map((one) => one.values.length), b.map((one) => one.values.length)]
    await act(async () => workspace.blocks.get('a')?.content.insert(0, 'x'))
    await remotely(workspace, (doc) => {
      const blocks = doc.getMap('blocks') as Y.Map<Y.Map<Y.Text>>
      blocks.get('a')?.get('content')?.insert(0, 'y')
    })
    expect(workspace.blocks.get('a')?.text).toHaveLength(2)
    const after = [a.map((one) => one.values.length), b.map((one) => one.values.length)]
    expect(after[1]).toEqual(before[1])
    // In A the content alone, once for each edit.
    expect(after[0]).toEqual(before[0]?.map((count, index) => (index === 2 ? count + 2 : count)))
  })

  it('[R8] a status change renders that entry alone', async () => {
    const workspace = offlineWorkspace()
    const { indexingList } = workspace.blocks.create('a', { type: 'vector_collection' })
    const run = indexingList.startRun('one', author)
    indexingList.startRun('two', author)
    const one = probe(() => useIndexingEntry('a', 'one'))
    const two = probe(() => useIndexingEntry('a', 'two'))
    const names = probe(() => useIndexNames('a'))
    const list = probe(() => useIndexingList('a'))
    await render(within(workspace, one.node, two.node, names.node, list.node))
    const [twoBefore, namesBefore] = [two.values.length, names.values.length]
    await act(async () => void indexingList.report('one', run, 'done', { ...author, chunks: 3 }))
    expect(one.last()).toMatchObject({ status: 'done', chunks: 3 })
    expect(list.last().map((entry) => entry.status)).toEqual(['done', 'processing'])
    expect([two.values.length, names.values.length]).toEqual([twoBefore, namesBefore])
    await act(async () => void indexingList.remove('two'))
    expect(two.last()).toBeUndefined()
    expect(names.last()).toEqual(['one'])
  })

  it('[R9] useField shows the value when it changes, and only its own', async () => {
    const workspace = offlineWorkspace()
    const { fields } = workspace.blocks.create('a', { type: 'text' })
    const title = probe(() => useField('a', 'title'))
    await render(within(workspace, title.node))
    await act(async () => fields.set('title', 'Plan', author))
    expect(title.last()).toBe('Plan')
    const before = title.values.length
    await act(async () => fields.set('position', { x: 1, y: 2 }, author))
    expect(title.values).toHaveLength(before)
  })

  it('[R9] useEdges keeps the edges that did not change when another does', async () => {
    const workspace = offlineWorkspace()
    const edges = probe(useEdges)
    await render(within(workspace, edges.node))
    const map = workspace.doc.getMap('edges')
    await act(async () => void map.set('e1', { source: 'a', target: 'b' }))
    const first = edges.last()[0]
    await act(async () => void map.set('e2', { source: 'b', target: 'c' }))
    expect(edges.last().map((edge) => edge.id)).toEqual(['e1', 'e2'])
    expect(edges.last()[0]).toBe(first)
  })

  it('[R9] useEdgesFrom shows the edges that leave a block, and renders for no other block’s', async () => {
    const workspace = offlineWorkspace()
    const edges = probe(() => useEdgesFrom('a'))
    await render(within(workspace, edges.node))
    expect(edges.last()).toEqual([])
    const map = workspace.doc.getMap('edges')
    await act(async () => void map.set('e2', { source: 'a', target: 'b' }))
    await act(async () => void map.set('e1', { source: 'a', target: 'c' }))
    expect(edges.last().map(({ id }) => id)).toEqual(['e1', 'e2'])
    const before = edges.values.length
    await act(async () => void map.set('e3', { source: 'b', target: 'a' }))
    await act(async () => void map.delete('e3'))
    expect(edges.values).toHaveLength(before)
    await act(async () => void map.set('e2', { source: 'b', target: 'a' }))
    expect(edges.last().map(({ id }) => id)).toEqual(['e1'])
    await act(async () => void map.delete('e1'))
    expect(edges.last()).toEqual([])
  })

  it('[R13] useUndo tells what can be taken back, and takes it back', async () => {
    const workspace = offlineWorkspace()
    const undo = probe(useUndo)
    await render(within(workspace, undo.node))
    expect(undo.last()).toMatchObject({ canUndo: false, canRedo: false })
    await act(async () => void workspace.blocks.create('a', { type: 'text' }))
    expect(undo.last().canUndo).toBe(true)
    await act(async () => void undo.last().undo())
    expect(workspace.blocks.list()).toEqual([])
    expect(undo.last()).toMatchObject({ canUndo: false, canRedo: true })
  })

  it('[R14] useConflicts shows what is told while it is on the page, and forgets what was read', async () => {
    const workspace = offlineWorkspace()
    const text = workspace.blocks.create('a', { type: 'text' }).content
    text.insert(0, 'one two three')
    const tray = probe(useConflicts)
    await render(within(workspace, tray.node))
    expect(tray.last().conflicts).toEqual([])
    const fork = workspace.fork()
    fork.blocks.get('a')?.replaceContent('one 2 three')
    await act(async () => {
      workspace.blocks.get('a')?.replaceContent('one zwei three')
      fork.merge()
    })
    const [conflict] = tray.last().conflicts
    expect(conflict).toMatchObject({ block: 'a', field: 'content', rule: expect.stringContaining('both are kept') })
    await act(async () => tray.last().dismiss(conflict?.id ?? ''))
    expect(tray.last().conflicts).toEqual([])
  })

  it('[R12] status hooks render when what they show changes', async () => {
    const workspace = offlineWorkspace()
    const save = probe(useSaveStatus)
    const connection = probe(useConnectionStatus)
    const presence = probe(() => usePresence().others)
    await render(within(workspace, save.node, connection.node, presence.node))
    await act(async () => void workspace.blocks.create('a', { type: 'text' }))
    expect(save.last()).toMatchObject({ state: 'offline', pending: expect.any(Number) })
    expect(presence.values).toEqual([[]])
    const rendered = connection.values.length
    await act(async () => workspace.blocks.get('a')?.content.insert(0, 'x'))
    expect(connection.values).toHaveLength(rendered)
    await act(() => workspace.close())
    expect(connection.last()).toBe('closed')
  })
})

describe('useWorkspace', () => {
  it('[R5] throws a typed error when there is no provider', async () => {
    const outside = probe(() => {
      try {
        return useWorkspace()
      } catch (error) {
        return error
      }
    })
    await render(outside.node)
    expect(outside.last()).toBeInstanceOf(HooksError)
    expect(outside.last()).toMatchObject({ code: 'no_provider' })
  })
})
