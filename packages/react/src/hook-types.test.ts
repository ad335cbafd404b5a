import type { Block, IndexingEntry, Json, ListedEdge } from '@joinery/blocks'
import type {
  Answer,
  ConflictEntry,
  Difference,
  HistoryRecord,
  PastPage,
  Peer,
  PresenceState,
  SaveStatus,
  ServerInfo,
  Stamp,
  TextField,
  Workspace,
  WorkspaceHistory,
} from '@joinery/client'
import { createElement, type RefCallback } from 'react'
import { describe, expectTypeOf, it } from 'vitest'
import type * as Y from 'yjs'
import * as hooks from './index.ts'

// Checked by the compiler: a wrong type fails `tsc`, not the run.
describe('types', () => {
  it('[R18] hooks that show blocks give what the document holds', () => {
    expectTypeOf(hooks.useBlocks).returns.toEqualTypeOf<readonly string[]>()
    expectTypeOf(hooks.useBlock).returns.toEqualTypeOf<Block | undefined>()
    expectTypeOf(hooks.useBlockType).returns.toEqualTypeOf<string>()
    expectTypeOf(hooks.useIndexingList).returns.toEqualTypeOf<readonly IndexingEntry[]>()
    expectTypeOf(hooks.useIndexingEntry).returns.toEqualTypeOf<IndexingEntry | undefined>()
    expectTypeOf(hooks.useIndexNames).returns.toEqualTypeOf<readonly string[]>()
    expectTypeOf(hooks.useField).returns.toEqualTypeOf<Json | undefined>()
    expectTypeOf(hooks.useField).parameters.toEqualTypeOf<[id: string, key: string]>()
    expectTypeOf(hooks.useEdges).returns.toEqualTypeOf<readonly ListedEdge[]>()
    expectTypeOf(hooks.useEdgesFrom).returns.toEqualTypeOf<readonly ListedEdge[]>()
    expectTypeOf(hooks.useYText).returns.toEqualTypeOf<Y.Text | undefined>()
    expectTypeOf<hooks.ContentView['value']>().toEqualTypeOf<string>()
  })

  it('[R18] a content ref fits a textarea and an input', () => {
    expectTypeOf(hooks.useContentField).returns.toEqualTypeOf<RefCallback<TextField>>()
    const fieldRef: RefCallback<TextField> = () => undefined
    createElement('textarea', { ref: fieldRef })
    createElement('input', { ref: fieldRef })
  })

  it('[R18] hooks that show the connection give the states of the SDK', () => {
    expectTypeOf(hooks.useSaveStatus).returns.toEqualTypeOf<SaveStatus>()
    expectTypeOf(hooks.useConnectionStatus).returns.toEqualTypeOf<hooks.ConnectionStatus>()
    expectTypeOf(hooks.useServer).returns.toEqualTypeOf<ServerInfo | undefined>()
    expectTypeOf<hooks.PresenceView['others']>().toEqualTypeOf<readonly Peer[]>()
    expectTypeOf<hooks.PresenceView['set']>().parameters.toEqualTypeOf<[state: PresenceState | undefined]>()
    expectTypeOf<hooks.UndoView['undo']>().toEqualTypeOf<() => boolean>()
  })

  it('[R18] hooks that show the log say whether the answer is there', () => {
    expectTypeOf<hooks.HistoryView['records']>().toEqualTypeOf<readonly HistoryRecord[]>()
    expectTypeOf<hooks.HistoryView['history']>().toEqualTypeOf<WorkspaceHistory>()
    expectTypeOf(hooks.useStateAt).returns.toEqualTypeOf<Answer<PastPage>>()
    expectTypeOf(hooks.useDifference).returns.toEqualTypeOf<Answer<Difference>>()
    expectTypeOf(hooks.useProvenance).returns.toEqualTypeOf<Stamp | undefined>()
    expectTypeOf<hooks.ConflictsView['conflicts']>().toEqualTypeOf<readonly ConflictEntry[]>()
    const answer = { state: 'loading' } as Answer<PastPage>
    // @ts-expect-error an answer that may still be on its way has no value yet
    void answer.value
    // @ts-expect-error there is no such part
    expectTypeOf(hooks.useProvenance).toBeCallableWith('a', 'colour')
  })

  it('[R18] a provider takes a workspace or options, never neither', () => {
    expectTypeOf(hooks.useWorkspace).returns.toEqualTypeOf<Workspace>()
    // @ts-expect-error neither
    createElement(hooks.WorkspaceProvider, {})
    // @ts-expect-error a name without a server
    createElement(hooks.WorkspaceProvider, { options: { workspace: 'w' } })
  })
})
