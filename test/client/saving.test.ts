import { connectWorkspace, type SaveStatus } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { createAuthenticator } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { closing, connect, readText, recordStates, startServer, textOf, whenState } from './fixture.ts'
import { HeldStore } from './held-store.ts'

describe('durability', () => {
  it('[C9] whenDurable resolves only when the server has made durable what was written', async () => {
    const store = closing(new HeldStore())
    const server = await startServer({ store })
    const [ada, ben] = [connect(server), connect(server)]
    await Promise.all([whenState(ada, 'saved'), ben.whenSynced])
    store.hold()
    textOf(ada).insert(0, 'x')
    let isDurable = false
    const durable = ada.whenDurable().then((receipt) => {
      isDurable = true
      return receipt
    })
    await until('ben has it', () => readText(ben) === 'x')
    expect(isDurable).toBe(false)
    expect(ada.saveStatus.get()).toEqual({ state: 'saving', pending: 2 })
    store.release()
    expect((await durable).lsn).toBeGreaterThan(0)
    expect(ada.saveStatus.get()).toEqual({ state: 'saved' })
  })

  it('[C9] whenDurable resolves at once when nothing was written', async () => {
    const ada = closing(connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w' }))
    expect(await ada.whenDurable()).toEqual({ lsn: undefined })
  })

  it('[C10] whenDurable resolves after the reconnect when the connection was lost before the acknowledgement', async () => {
    const store = closing(new HeldStore())
    const first = await startServer({ store, limits: { drainMs: 100 } })
    const ada = connect(first)
    await whenState(ada, 'saved')
    store.hold()
    textOf(ada).insert(0, 'before')
    const durable = ada.whenDurable()
    let isDurable = false
    void durable.then(() => {
      isDurable = true
    })
    await until('the edit is out', () => ada.saveStatus.get().state === 'saving')
    const closed = first.close()
    await whenState(ada, 'offline')
    textOf(ada).insert(0, 'offline, ')
    expect(isDurable).toBe(false)
    store.release()
    await closed
    await startServer({ store, port: first.port })
    await durable
    await ada.whenDurable()
    const ben = connect(first)
    await ben.whenSynced
    expect(readText(ben)).toBe('offline, before')
  })

  it('[C10] nothing that whenDurable promised is lost when the server process is killed', async () => {
    await using directory = await tempDirectory()
    await using first = await startJoinery({ directory: directory.path, durability: 'sync' })
    const ada = connect(first)
    textOf(ada).insert(0, 'one')
    await ada.whenDurable()
    textOf(ada).insert(3, ' two')
    const second = ada.whenDurable()
    await first.child.end('SIGKILL')
    await whenState(ada, 'offline')
    textOf(ada).insert(7, ' three')
    await using again = await startJoinery({ directory: directory.path, durability: 'sync', port: first.port })
    await second
    await ada.whenDurable()
    const ben = connect(again)
    await ben.whenSynced
    expect(readText(ben)).toBe('one two three')
    await Promise.all([ada.close(), ben.close()])
  })
})

describe('save status', () => {
  it('[C11] the status is saved only when all that was written is durable on an open connection', async () => {
    const store = closing(new HeldStore())
    const server = await startServer({ store })
    const ada = connect(server)
    const states = recordStates(ada)
    textOf(ada)
    expect(ada.saveStatus.get()).toMatchObject({ state: 'offline', pending: 1, isKeptHere: false, cause: 'connecting' })
    await whenState(ada, 'saved')
    expect(states.map(({ state }) => state)).toEqual(['offline', 'offline', 'saving', 'saved'])
    await server.close()
    expect(await whenState(ada, 'offline')).toMatchObject({ pending: 0 })
  })

  it('[C12] the snapshot is the same object when nothing changed, and listeners hear only changes', async () => {
    const server = await startServer()
    const ada = connect(server)
    await whenState(ada, 'saved')
    const before = ada.saveStatus.get()
    let calls = 0
    const unsubscribe = ada.saveStatus.subscribe(() => {
      calls += 1
    })
    const { get } = ada.saveStatus
    expect(get()).toBe(before)
    ada.acknowledgeRejection()
    expect(get()).toBe(before)
    expect(calls).toBe(0)
    unsubscribe()
    textOf(ada)
    expect(get()).not.toBe(before)
    expect(calls).toBe(0)
  })

  it('[C13] an edit made between opening and syncing waits for the answer to SyncStep1 when the socket is open', async () => {
    // The answer holds everything that was written. A frame before it would build on edits that the server lacks.
    const server = await startServer()
    const ada = connect(server)
    textOf(ada).insert(0, 'first ')
    let didEdit = false
    ada.server.subscribe(() => {
      // At the hello the socket is open and the server's SyncStep1 has not come.
      if (didEdit) return
      didEdit = true
      textOf(ada).insert(6, 'second')
    })
    await ada.whenDurable()
    expect(didEdit).toBe(true)
    await whenState(ada, 'saved')
    const raw = await RawClient.open({ url: server.url.replace('http', 'ws'), path: 'w' })
    expect(Y.encodeStateVector(raw.doc)).toEqual(Y.encodeStateVector(ada.doc))
    await raw.close()
  })
})

describe('readers', () => {
  it('[C14] a reader is saved when it wrote nothing, and its edit is refused when it writes', async () => {
    const authenticator = createAuthenticator({ secret: SECRET })
    const server = await startServer({ authenticator, store: closing(openMemoryStore()) })
    const ada = connect(server, { token: await makeToken() })
    textOf(ada).insert(0, 'read me')
    await ada.whenDurable()
    const reader = connect(server, { token: await makeToken({ access: 'read' }) })
    await whenState(reader, 'saved')
    expect(readText(reader)).toBe('read me')
    expect(reader.server.get()?.access).toBe('read')
    const rejections: string[] = []
    reader.onRejected(({ code }) => rejections.push(code))
    textOf(reader).insert(0, 'no ')
    const status: SaveStatus = await whenState(reader, 'rejected')
    expect(status).toMatchObject({ what: 'edits', code: 'read_only' })
    expect(rejections).toEqual(['read_only'])
    await reader.whenSynced
    expect(readText(reader)).toBe('read me')
  })

  it('[C14] edits made offline are refused when the token has come to allow reading only', async () => {
    const authenticator = createAuthenticator({ secret: SECRET })
    const server = await startServer({ authenticator })
    const reader = connect(server, { token: await makeToken({ access: 'read' }) })
    textOf(reader).insert(0, 'written offline')
    const status: SaveStatus = await whenState(reader, 'rejected')
    expect(status).toMatchObject({ what: 'edits', code: 'read_only' })
  })
})
