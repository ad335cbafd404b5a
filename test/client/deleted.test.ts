import 'fake-indexeddb/auto'
import type { Reset, Workspace } from '@joinery/client'
import type { WorkspaceId } from '@joinery/protocol'
import { createServer, type Server } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { closing, connect, readText, textOf, whenState } from './fixture.ts'
import { HeldStore } from './held-store.ts'

const W = 'w' as WorkspaceId
let count = 0
const freshPrefix = (): { offline: { prefix: string } } => ({ offline: { prefix: `deleted-${++count}` } })

async function startServer(store = new HeldStore()): Promise<Server> {
  const server = closing(createServer({ store }))
  await server.listen()
  return server
}

function resetsOf(workspace: Workspace): Reset[] {
  const resets: Reset[] = []
  workspace.onReset((reset) => resets.push(reset))
  return resets
}

function textIn(update: Uint8Array | undefined): string {
  const doc = new Y.Doc()
  if (update !== undefined) Y.applyUpdate(doc, update)
  return String(doc.getMap<Y.Map<unknown>>('blocks').get('b')?.get('content') ?? '')
}

describe('a deleted workspace', () => {
  it('[C54] the refusal is final, waits hear of it, and the document is set aside when it is deleted under them', async () => {
    const store = new HeldStore()
    const server = await startServer(store)
    const ada = connect(server, freshPrefix())
    textOf(ada).insert(0, 'saved')
    await ada.whenDurable()
    store.hold()
    textOf(ada).insert(5, ', unsaved')
    const waiting = expect(ada.whenDurable()).rejects.toMatchObject({ code: 'workspace_deleted' })
    const resets = resetsOf(ada)
    const deleted = server.workspaces.delete(W)
    const status = await whenState(ada, 'rejected')
    store.release()
    await Promise.all([deleted, waiting])
    expect(status).toMatchObject({ what: 'connection', code: 'workspace_deleted' })
    await expect(ada.whenSynced).rejects.toMatchObject({ code: 'workspace_deleted' })
    await expect(ada.transactOnce(() => undefined, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'workspace_deleted',
    })
    expect(resets).toMatchObject([{ cause: 'workspace_deleted', code: undefined }])
    expect([textIn(resets[0]?.update), readText(ada)]).toEqual(['saved, unsaved', ''])
    const [aside, ...others] = await ada.listSetAside()
    expect([aside?.cause, others]).toEqual(['workspace_deleted', []])
    expect(textIn(await ada.readSetAside(aside?.id ?? ''))).toBe('saved, unsaved')
  })

  it('[C54] nothing of it is sent when a workspace of that name is made anew', async () => {
    const server = await startServer()
    const options = freshPrefix()
    const before = connect(server, options)
    textOf(before).insert(0, 'of the deleted one')
    await before.whenDurable()
    await before.close()
    await server.workspaces.delete(W)
    const ada = connect(server, options)
    await ada.whenLoaded
    textOf(ada).insert(0, 'never sent, ')
    await whenState(ada, 'rejected')
    await server.workspaces.purge(W)
    ada.reconnect()
    await ada.whenSynced
    // A part of the copy was never saved.
    expect(ada.saveStatus.get()).toMatchObject({ what: 'edits', code: 'workspace_deleted' })
    ada.acknowledgeRejection()
    await whenState(ada, 'saved')
    const ben = connect(server)
    await ben.whenSynced
    expect([readText(ada), readText(ben)]).toEqual(['', ''])
    textOf(ada).insert(0, 'anew')
    await ada.whenDurable()
    expect((await ada.listSetAside()).map(({ cause }) => cause)).toEqual(['workspace_deleted'])
  })

  it('[C54] what the server has comes back, and edits it never got stay aside, when the deletion is taken back', async () => {
    const store = new HeldStore()
    const server = await startServer(store)
    const [ada, ben] = [connect(server, freshPrefix()), connect(server)]
    textOf(ada).insert(0, 'saved')
    await ada.whenDurable()
    store.fail('storage_full', 'the disk is full')
    await whenState(ada, 'held')
    textOf(ada).insert(0, 'never sent ')
    store.recover()
    const resets = resetsOf(ada)
    await server.workspaces.delete(W)
    await Promise.all([whenState(ada, 'rejected'), whenState(ben, 'rejected')])
    await server.workspaces.undelete(W)
    for (const workspace of [ada, ben]) workspace.reconnect()
    await Promise.all([ada.whenSynced, ben.whenSynced])
    expect(readText(ada)).toBe(readText(ben))
    expect(textIn(resets[0]?.update)).toBe('never sent saved')
  })

  it('[C54] who had nothing in the document has nothing set aside', async () => {
    const server = await startServer()
    const ada = connect(server)
    textOf(ada)
    await ada.whenDurable()
    await server.workspaces.delete(W)
    const ben = connect(server, freshPrefix())
    const resets = resetsOf(ben)
    await expect(ben.whenSynced).rejects.toMatchObject({ code: 'workspace_deleted' })
    expect([resets, await ben.listSetAside()]).toEqual([[], []])
  })
})
