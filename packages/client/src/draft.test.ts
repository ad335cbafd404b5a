import { CLAIM_LISTS, type ClaimList } from '@joinery/blocks'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { DraftDocument } from './draft.ts'
import { connectWorkspace } from './workspace.ts'
import { WorkspaceBlocks } from './workspace-blocks.ts'

const OWN: ClaimList = { ...(CLAIM_LISTS[0] as ClaimList), part: 'payments' }
const lists = [...CLAIM_LISTS, OWN]
const blocksOf = (doc: Y.Doc): WorkspaceBlocks => new WorkspaceBlocks(() => doc, null, lists)

it('[C50] a draft made anew under the last one’s client id goes on where that ended', () => {
  const live = new Y.Doc()
  const first = new DraftDocument(live, blocksOf(live))
  const append = (letter: string) => (draft: { doc: Y.Doc }) => {
    const text = draft.doc.getText()
    text.insert(text.length, letter)
  }
  Y.applyUpdate(live, first.make(append('a')))
  Y.applyUpdate(live, first.make(append('b')))
  const second = new DraftDocument(live, blocksOf(live), first.clientId)
  Y.applyUpdate(live, second.make(append('c')))
  expect(live.getText().toString()).toBe('abc')
  expect([...Y.decodeStateVector(Y.encodeStateVector(live))]).toEqual([[first.clientId, 3]])
})

it("[C120] a block that a draft or a fork creates under a random id has the parts of the application's own lists", async () => {
  const live = new Y.Doc()
  let id = ''
  const draft = new DraftDocument(live, blocksOf(live))
  Y.applyUpdate(
    live,
    draft.make(({ blocks }) => {
      id = blocks.create({ type: 'text' }).id
    }),
  )
  expect(blocksOf(live).get(id)?.map.get(OWN.part)).toBeInstanceOf(Y.Array)
  const workspace = connectWorkspace({ url: 'ws://127.0.0.1:1', workspace: 'w', actor: 'ada', lists })
  try {
    const fork = workspace.fork()
    const forked = fork.blocks.create({ type: 'text' })
    fork.merge()
    expect(workspace.blocks.get(forked.id)?.map.get(OWN.part)).toBeInstanceOf(Y.Array)
    expect(workspace.doc.store.clients.size).toBe(1)
  } finally {
    await workspace.close()
  }
})
