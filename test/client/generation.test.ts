import 'fake-indexeddb/auto'
import type { Reset, Workspace, WorkspaceOptions } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { until } from '../support/until.ts'
import {
  closing,
  connect,
  type RunningServer,
  readText,
  recordStates,
  startServer,
  textOf,
  whenState,
} from './fixture.ts'

/** All tests of this file share the databases, so each test has a prefix of its own. */
let count = 0
const freshPrefix = (): { offline: { prefix: string } } => ({ offline: { prefix: `test-${++count}` } })

function resetsOf(workspace: Workspace): Reset[] {
  const resets: Reset[] = []
  workspace.onReset((reset) => resets.push(reset))
  return resets
}

function textIn(update: Uint8Array): string {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  const block = doc.getMap<Y.Map<unknown>>('blocks').get('b')
  return String(block?.get('content') ?? '')
}

/** The server was replaced by an empty one at the same address. */
async function replaceServer(first: RunningServer): Promise<RunningServer> {
  await first.close()
  return startServer({ port: first.port })
}

describe('local copy', () => {
  it('[C20] edits made offline come up when the tab was closed before it could send them', async () => {
    const options = freshPrefix()
    const store = closing(openMemoryStore())
    const first = await startServer({ store })
    const before = connect(first, options)
    textOf(before).insert(0, 'online')
    await before.whenDurable()
    await first.close()
    await whenState(before, 'offline')
    textOf(before).insert(6, ', offline')
    await until('it is in the local copy', () => {
      const status = before.saveStatus.get()
      return status.state === 'offline' && status.isKeptHere && status.pending > 0
    })
    await before.close()

    const after = connect(first, options)
    await after.whenLoaded
    expect(readText(after)).toBe('online, offline')
    const server = await startServer({ store, port: first.port })
    await after.whenDurable()
    const other = connect(server)
    await other.whenSynced
    expect(readText(other)).toBe('online, offline')
  })

  it('[C21] two servers do not share a copy when the workspace has the same name', async () => {
    const options = freshPrefix()
    const [one, two] = [await startServer(), await startServer()]
    const first = connect(one, options)
    textOf(first).insert(0, 'of the first')
    await first.whenDurable()
    await first.close()
    const second = connect(two, options)
    await second.whenSynced
    expect(readText(second)).toBe('')
  })

  it('[C22] two tabs share a copy, and what either stored is loaded when both have closed', async () => {
    const options = freshPrefix()
    const offline = { url: 'http://127.0.0.1:9' }
    const [one, two] = [connect(offline, options), connect(offline, options)]
    await Promise.all([one.whenLoaded, two.whenLoaded])
    textOf(one).insert(0, 'one')
    two.blocks.create('c', { type: 'text' }).content.insert(0, 'two')
    await Promise.all([one.close(), two.close()])
    const again = connect(offline, options)
    await again.whenLoaded
    expect(readText(again)).toBe('one')
    expect(again.blocks.get('c')?.content.toString()).toBe('two')
  })
})

describe('generation', () => {
  async function replaced(options: Partial<WorkspaceOptions>) {
    const first = await startServer()
    const ada = connect(first, options)
    textOf(ada).insert(0, 'old')
    await ada.whenDurable()
    const resets = resetsOf(ada)
    return { first, ada, resets, oldDoc: ada.doc }
  }

  it('[C23] the document starts anew and nothing is merged when the server has another generation', async () => {
    const { first, ada, resets, oldDoc } = await replaced({})
    const second = await replaceServer(first)
    await until('it was reset', () => resets.length === 1)
    expect(await whenState(ada, 'rejected')).toMatchObject({ what: 'edits', code: 'generation_changed' })
    ada.acknowledgeRejection()
    await whenState(ada, 'saved')
    expect(resets).toMatchObject([{ cause: 'generation_changed', code: undefined }])
    expect(textIn(resets[0]?.update ?? new Uint8Array())).toBe('old')
    expect(ada.doc).not.toBe(oldDoc)
    expect(ada.doc.clientID).not.toBe(oldDoc.clientID)
    expect(readText(ada)).toBe('')
    const ben = connect(second)
    await ben.whenSynced
    expect(ben.blocks.list()).toEqual([])
    textOf(ada).insert(0, 'new')
    await ada.whenDurable()
    await until('ben has it', () => readText(ben) === 'new')
  })

  it('[C23] whenDurable rejects with generation_changed when what it waits for was set aside', async () => {
    const { first, ada } = await replaced({})
    await first.close()
    await whenState(ada, 'offline')
    textOf(ada).insert(3, ' and unsaved')
    const durable = expect(ada.whenDurable()).rejects.toMatchObject({ code: 'generation_changed' })
    await startServer({ port: first.port })
    await durable
  })

  it('[C24] the copy is set aside, listed, readable and discardable when a later visit finds another generation', async () => {
    const options = freshPrefix()
    const startedAtMs = Date.now()
    const { first, ada } = await replaced(options)
    await first.close()
    await whenState(ada, 'offline')
    textOf(ada).insert(3, ' and unsaved')
    await ada.close()
    await startServer({ port: first.port })
    const later = connect(first, options)
    const resets = resetsOf(later)
    const states = recordStates(later)
    await later.whenSynced
    expect(states.map(({ state }) => state)).not.toContain('saved')
    expect(resets).toHaveLength(1)
    expect(readText(later)).toBe('')
    const [aside, ...more] = await later.listSetAside()
    expect(more).toEqual([])
    expect(aside).toMatchObject({ cause: 'generation_changed', generation: expect.any(String) })
    expect(aside?.atMs).toBeGreaterThanOrEqual(startedAtMs)
    const id = aside?.id ?? ''
    expect(textIn((await later.readSetAside(id)) ?? new Uint8Array())).toBe('old and unsaved')
    await later.discardSetAside(id)
    for (const { name = '' } of await indexedDB.databases()) await later.discardSetAside(name)
    expect(await later.listSetAside()).toEqual([])
    expect(await later.readSetAside(id)).toBeUndefined()

    // The new copy is under the new generation: the next visit goes straight through.
    textOf(later).insert(0, 'new')
    await later.whenDurable()
    await later.close()
    const last = connect(first, options)
    const lastResets = resetsOf(last)
    await last.whenSynced
    expect(lastResets).toEqual([])
    expect(readText(last)).toBe('new')
    expect(await last.readSetAside('no such copy')).toBeUndefined()
  })

  it('[C25] what another tab still writes stays out of the new copy when the old one was set aside', async () => {
    const options = freshPrefix()
    let isAway = false
    const token = () => (isAway ? new Promise<never>(() => undefined) : undefined)
    const { first, ada } = await replaced({ ...options, token })
    isAway = true
    await first.close()
    await whenState(ada, 'offline')
    await startServer({ port: first.port })
    const other = connect(first, options)
    const resets = resetsOf(other)
    await other.whenSynced
    expect(resets).toHaveLength(1)
    // `ada` has not reconnected: its edit goes to the copy that it has open.
    textOf(ada)
    await Promise.all([ada.close(), other.close()])
    const again = connect(first, options)
    await again.whenLoaded
    expect(again.doc.store.pendingStructs).toBeNull()
    expect(again.blocks.list()).toEqual([])
  })
})
