import { createElement, type ReactNode, Suspense } from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, it, vi } from 'vitest'
import { offlineWorkspace } from './testing/workspace.ts'
import { useBlocks } from './use-blocks.ts'
import { useConflicts } from './use-conflicts.ts'
import { useConnectionStatus } from './use-connection-status.ts'
import { useContent } from './use-content.ts'
import { useContentField } from './use-content-field.ts'
import { useDifference } from './use-difference.ts'
import { useEdges, useEdgesFrom } from './use-edges.ts'
import { useField } from './use-field.ts'
import { useHistory } from './use-history.ts'
import { useIndexNames } from './use-index-names.ts'
import { useIndexingEntry } from './use-indexing-entry.ts'
import { useIndexingList } from './use-indexing-list.ts'
import { usePresence } from './use-presence.ts'
import { useProvenance } from './use-provenance.ts'
import { useSaveStatus } from './use-save-status.ts'
import { useServer } from './use-server.ts'
import { useStateAt } from './use-state-at.ts'
import { useUndo } from './use-undo.ts'
import { useWorkspace } from './use-workspace.ts'
import { WorkspaceProvider } from './workspace-provider.ts'

/** Every hook there is, in one component. */
function Everything(): ReactNode {
  const shown = {
    blocks: useBlocks(),
    content: useContent('a').value,
    title: useField('a', 'title'),
    indexes: useIndexNames('a'),
    statuses: useIndexingList('a').map(({ status }) => status),
    main: useIndexingEntry('a', 'main')?.status,
    edges: useEdges().length,
    from: useEdgesFrom('a').length,
    save: useSaveStatus().state,
    connection: useConnectionStatus(),
    server: useServer(),
    others: usePresence().others,
    undo: useUndo().canUndo,
    conflicts: useConflicts().conflicts,
    stamp: useProvenance('a', 'content'),
    history: useHistory().records,
    past: useStateAt(1).state,
    difference: useDifference(1, 2).state,
  }
  return createElement('div', null, JSON.stringify(shown), createElement('textarea', { ref: useContentField('a') }))
}

function SyncedPage(): string {
  useWorkspace({ waitFor: 'synced' })
  return 'never without a server'
}

describe('on a server', () => {
  it('[R3] every hook renders what a given workspace holds when there is no window', () => {
    expect(typeof window).toBe('undefined')
    const fetched = vi.spyOn(globalThis, 'fetch')
    const workspace = offlineWorkspace()
    const block = workspace.blocks.create('a', { type: 'text' })
    block.content.insert(0, 'hello')
    block.fields.set('title', 'Plan', { source: 'user_action', actor: 'ann' })
    block.indexingList.startRun('main', { source: 'user_action', actor: 'ann' })
    const html = renderToString(createElement(WorkspaceProvider, { workspace }, createElement(Everything)))
    const json = /^<div>(\{.*\})<textarea>/.exec(html)?.[1]?.replaceAll('&quot;', '"') ?? expect.fail(html)
    expect(JSON.parse(json)).toEqual({
      blocks: ['a'],
      content: 'hello',
      title: 'Plan',
      indexes: ['main'],
      statuses: ['processing'],
      main: 'processing',
      edges: 0,
      from: 0,
      save: 'offline',
      connection: 'connecting',
      others: [],
      undo: true,
      conflicts: [],
      history: [],
      past: 'loading',
      difference: 'loading',
    })
    expect(workspace.provenance.isWatched).toBe(false)
    expect(fetched).not.toHaveBeenCalled()
  })

  it('[R3] shows the fallback when it would have to connect', () => {
    const options = { url: 'ws://127.0.0.1:9', workspace: 'w' }
    expect(renderToString(createElement(WorkspaceProvider, { options, fallback: 'opening' }, 'never'))).toBe('opening')
  })

  it('[R4] shows the fallback of Suspense when a page waits for the first sync', () => {
    const page = createElement(Suspense, { fallback: 'waiting' }, createElement(SyncedPage))
    const html = renderToString(createElement(WorkspaceProvider, { workspace: offlineWorkspace() }, page))
    expect(html).toContain('waiting')
    expect(html).not.toContain('never')
  })
})
