import 'fake-indexeddb/auto'
import type { ClientError, Workspace } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { until } from '../support/until.ts'
import { closing, connect, readText, spoilCopies, startServer, textOf, whenState } from './fixture.ts'

afterEach(() => vi.restoreAllMocks())

function errorsOf(workspace: Workspace): ClientError[] {
  const errors: ClientError[] = []
  workspace.onError((error) => errors.push(error))
  return errors
}

/** Keeps back the answer of every `indexedDB.open` whose name passes, as WebKit sometimes does, until it is called. */
function hangOpen(hangs: (name: string) => boolean): () => void {
  const open = indexedDB.open.bind(indexedDB)
  const held: (() => void)[] = []
  vi.spyOn(indexedDB, 'open').mockImplementation((name, version) => {
    if (!hangs(name)) return open(name, version)
    const request = {} as IDBOpenDBRequest
    held.push(() => {
      const real = open(name, version)
      Object.defineProperty(request, 'result', { get: () => real.result })
      real.onupgradeneeded = (event) => request.onupgradeneeded?.call(real, event)
      real.onsuccess = (event) => request.onsuccess?.call(real, event)
    })
    return request
  })
  return () => {
    vi.restoreAllMocks()
    for (const answer of held.splice(0)) answer()
  }
}

async function databasesOf(prefix: string): Promise<string[]> {
  return (await indexedDB.databases()).map(({ name = '' }) => name).filter((name) => name.startsWith(prefix))
}

function deleted(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}

/** The text that a new visit finds in the local copy while the server is away. */
async function textKept(url: string, prefix: string): Promise<string> {
  const away = closing(connect({ url }, { offline: { prefix } }))
  await away.whenLoaded
  const text = readText(away)
  await away.close()
  return text
}

describe('a local copy that fails', () => {
  it.each([
    ['the catalog', () => true],
    ['the copy', (name: string) => name.includes(':')],
  ])(
    '[C90] IndexedDB does not open %s: edits are saved all the same, the failure is told once, and close ends',
    async (what, hangs) => {
      const server = await startServer()
      hangOpen(hangs)
      const ada = connect(server, { offline: { prefix: `hung ${what}` } })
      const errors = errorsOf(ada)
      textOf(ada).insert(0, 'on the server')
      await ada.whenDurable()
      expect(ada.saveStatus.get()).toEqual({ state: 'saved' })
      expect(errors).toMatchObject([{ code: 'local_copy_failed' }])
      await ada.close()
    },
  )

  it('[C90] a copy that opens late is merged, and gets what was written meanwhile', async () => {
    const offline = { prefix: 'late' }
    const store = closing(openMemoryStore())
    const first = await startServer({ store })
    const before = connect(first, { offline })
    textOf(before).insert(0, 'online')
    await before.whenDurable()
    await first.close()
    await whenState(before, 'offline')
    textOf(before).insert(6, ', offline')
    await before.close()

    const server = await startServer({ store, port: first.port })
    const release = hangOpen((name) => name.startsWith('late:'))
    const ada = connect(server, { offline })
    await ada.whenSynced
    expect(readText(ada)).toBe('online')
    ada.blocks.create('meanwhile', { type: 'text' }).content.insert(0, 'typed')
    release()
    await until('the copy is merged', () => readText(ada) === 'online, offline')
    await ada.whenDurable()
    const ben = connect(server)
    await ben.whenSynced
    expect([readText(ben), ben.blocks.get('meanwhile')?.text]).toEqual(['online, offline', 'typed'])
    await ada.close()
    await server.close()
    const away = closing(connect(server, { offline }))
    await away.whenLoaded
    expect([readText(away), away.blocks.get('meanwhile')?.text]).toEqual(['online, offline', 'typed'])
  })

  it('[C90] a copy of another generation that opens late is set aside', async () => {
    const offline = { prefix: 'foreign' }
    const first = await startServer()
    const before = connect(first, { offline })
    textOf(before).insert(0, 'of the first')
    await before.whenDurable()
    await before.close()
    await first.close()

    // Another store, and so another generation.
    const server = await startServer({ port: first.port })
    const release = hangOpen((name) => name.startsWith('foreign:'))
    const ada = connect(server, { offline })
    await ada.whenSynced
    textOf(ada).insert(0, 'of the second')
    await ada.whenDurable()
    release()
    await expect.poll(() => ada.listSetAside()).toMatchObject([{ cause: 'generation_changed' }])
    expect(readText(ada)).toBe('of the second')
    await ada.close()
    await server.close()
    expect(await textKept(server.url, offline.prefix)).toBe('of the second')
  })

  it.each(['empty', 'damaged'])(
    '[C90] a copy that opens late and is %s gets what the server has, or is set aside',
    async (kind) => {
      const offline = { prefix: `late ${kind}` }
      const server = await startServer()
      const ben = connect(server)
      textOf(ben).insert(0, 'on the server')
      await ben.whenDurable()
      if (kind === 'damaged') {
        const before = connect(server, { offline })
        await whenState(before, 'saved')
        await before.close()
        await spoilCopies(offline.prefix)
      }
      const release = hangOpen((name) => name.startsWith(`${offline.prefix}:`))
      const ada = connect(server, { offline })
      const errors = errorsOf(ada)
      await ada.whenSynced
      textOf(ada).insert(0, 'typed ')
      release()
      await ada.whenDurable()
      const aside = kind === 'damaged' ? ['unreadable'] : []
      await expect.poll(async () => (await ada.listSetAside()).map(({ cause }) => cause)).toEqual(aside)
      expect(errors.map(({ code }) => code)).toContain('local_copy_failed')
      await server.close()
      await until('it is kept', () => {
        const status = ada.saveStatus.get()
        return status.state === 'offline' && status.isKeptHere
      })
      await ada.close()
      expect(await textKept(server.url, offline.prefix)).toBe('typed on the server')
    },
  )

  it('[C91] a copy that is deleted under an open workspace is made again, with all that is in the document', async () => {
    const offline = { prefix: 'deleted' }
    const server = await startServer()
    const ada = connect(server, { offline })
    const errors = errorsOf(ada)
    textOf(ada).insert(0, 'before')
    await ada.whenDurable()
    for (const name of await databasesOf(offline.prefix)) await deleted(name)
    await until('it is told', () => errors.length > 0)
    textOf(ada).insert(6, ' and after')
    await ada.whenDurable()
    await server.close()
    await until('it is kept again', () => {
      const status = ada.saveStatus.get()
      return status.state === 'offline' && status.isKeptHere
    })
    expect(errors).toMatchObject([{ code: 'local_copy_failed' }])
    await ada.close()
    expect(await textKept(server.url, offline.prefix)).toBe('before and after')
  })

  it('[C90, C91] a write that IndexedDB never ends is told, keeps nobody from the server, and is kept by a copy that is opened anew', async () => {
    const offline = { prefix: 'stuck' }
    const server = await startServer()
    const ada = connect(server, { offline })
    const errors = errorsOf(ada)
    await whenState(ada, 'saved')
    const transaction = IDBDatabase.prototype.transaction
    const stuck = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
      this: IDBDatabase,
      ...args
    ) {
      const made = transaction.apply(this, args)
      if (args[1] === 'readwrite') Object.defineProperties(made, { oncomplete: { set() {} }, onabort: { set() {} } })
      return made
    })
    textOf(ada).insert(0, 'kept in the end')
    await ada.whenDurable()
    await until('it is told', () => errors.length > 0)
    stuck.mockRestore()
    await server.close()
    await until('it is kept', () => {
      const status = ada.saveStatus.get()
      return status.state === 'offline' && status.isKeptHere
    })
    expect(errors).toMatchObject([{ code: 'local_copy_failed' }])
    await ada.close()
    expect(await textKept(server.url, offline.prefix)).toBe('kept in the end')
  })

  it('[C91] writes that fail for another reason than a full disk have the copy opened again', async () => {
    const offline = { prefix: 'broken' }
    const server = await startServer()
    const ada = connect(server, { offline })
    const errors = errorsOf(ada)
    await whenState(ada, 'saved')
    const broken = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
      throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
    })
    textOf(ada).insert(0, 'kept in the end')
    await until('it is told', () => errors.length > 0)
    await ada.whenDurable()
    await server.close()
    expect(await whenState(ada, 'offline')).toMatchObject({ isKeptHere: false })
    broken.mockRestore()
    await until('it is kept again', () => {
      const status = ada.saveStatus.get()
      return status.state === 'offline' && status.isKeptHere
    })
    await ada.close()
    expect(await textKept(server.url, offline.prefix)).toBe('kept in the end')
    expect(errors).toHaveLength(1)
  })
})
