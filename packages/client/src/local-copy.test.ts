import 'fake-indexeddb/auto'
import { describe, expect, it, vi } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { openDatabase, requestResult } from './indexed-db.ts'
import { LocalCopy } from './local-copy.ts'

let count = 0
const freshName = (): string => `copy-${++count}`

/** A copy that stores what is written into its document, as a replica does. */
async function open(name: string) {
  const doc = new Y.Doc()
  let onChange = (): void => undefined
  const opened = await LocalCopy.open(name, doc, {
    changed: () => onChange(),
    lost: () => undefined,
    accepts: () => true,
    loaded: () => undefined,
  })
  if (opened.state !== 'open') throw opened.state === 'unreadable' ? opened.error : new Error(opened.state)
  const { copy } = opened
  doc.on('update', (update: Uint8Array) => copy.add(update))
  const kept = (): Promise<void> =>
    new Promise((resolve) => {
      onChange = () => {
        if (copy.isKept) resolve()
      }
      onChange()
    })
  return { doc, copy, kept, text: doc.getText() }
}

/** How many records the updates' store of database `name` has. */
async function recordsIn(name: string): Promise<number> {
  const db = await openDatabase(name, () => undefined)
  const records = await requestResult(db.transaction('updates').objectStore('updates').count())
  db.close()
  return records
}

/** Brings database `name` to `count` records at once, with edits of `doc`, each of which inserts a secret and deletes it. */
async function fill(name: string, doc: Y.Doc, count: number): Promise<void> {
  const missing = count - (await recordsIn(name))
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let edit = 0; edit < missing; edit++) {
    doc.transact(() => {
      doc.getText().insert(0, 'secret')
      doc.getText().delete(0, 6)
    })
  }
  const db = await openDatabase(name, () => undefined)
  const transaction = db.transaction('updates', 'readwrite')
  for (const update of updates) transaction.objectStore('updates').add(update)
  await new Promise<void>((resolve) => {
    transaction.oncomplete = () => resolve()
  })
  db.close()
}

/** A new database with so many records. */
async function copyOf(count: number): Promise<string> {
  const name = freshName()
  await (await open(name)).copy.close()
  await fill(name, new Y.Doc(), count)
  return name
}

/** The text that a copy brings to a page that opens it. */
async function textIn(name: string): Promise<string> {
  const { copy, text } = await open(name)
  await copy.close()
  return text.toString()
}

describe('local copy', () => {
  it('[C16] a plain y-indexeddb reads the copy, and the copy reads what a plain y-indexeddb wrote', async () => {
    const name = freshName()
    const { copy, text } = await open(name)
    text.insert(0, 'from joinery')
    await copy.close()
    const plain = new Y.Doc()
    const persistence = new IndexeddbPersistence(name, plain)
    await persistence.whenSynced
    expect(plain.getText().toString()).toBe('from joinery')
    plain.getText().insert(0, 'back ')
    await persistence.destroy()
    expect(await textIn(name)).toBe('back from joinery')
  })

  it('[C85] edits are stored after their task, all of it in one transaction, and are not called kept before', async () => {
    const { copy, text, kept } = await open(freshName())
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    for (const letter of 'hello') text.insert(text.length, letter)
    expect([transaction.mock.calls.length, copy.isKept]).toEqual([0, false])
    await kept()
    expect(transaction).toHaveBeenCalledTimes(1)
    transaction.mockRestore()
    text.insert(0, 'closed at once ')
    await copy.close()
    expect(await textIn(copy.name)).toBe('closed at once hello')
  })

  it('[C17] the database does not grow when the copy is opened and closed without an edit', async () => {
    const name = freshName()
    const first = await open(name)
    first.text.insert(0, 'x')
    await first.copy.close()
    const before = await recordsIn(name)
    for (let visit = 0; visit < 5; visit++) await (await open(name)).copy.close()
    expect(await recordsIn(name)).toBe(before)
  })

  it('[C17] records are folded into one when there are 500, and what was deleted goes', async () => {
    const name = await copyOf(498)
    const { copy, text, kept } = await open(name)
    text.insert(0, 'sh')
    await kept()
    expect(await recordsIn(name)).toBe(499)
    text.insert(2, 'own')
    await copy.close()
    const again = await open(name)
    expect(await recordsIn(name)).toBe(1)
    expect(again.text.toString()).toBe('shown')
    expect(Y.encodeStateAsUpdate(again.doc).length).toBeLessThan(100)
    await again.copy.close()
  })

  it('[C17] edits that follow each other do not wait for the folding, which comes at rest', async () => {
    const name = await copyOf(499)
    const { copy, text, kept } = await open(name)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      for (const letter of 'typed on') {
        text.insert(text.length, letter)
        await vi.advanceTimersByTimeAsync(900)
        await kept()
      }
      expect(await recordsIn(name)).toBe(507)
      await vi.advanceTimersByTimeAsync(1_000)
      await kept()
      expect(await recordsIn(name)).toBe(1)
    } finally {
      vi.useRealTimers()
    }
    await copy.close()
    expect(await textIn(name)).toBe('typed on')
  })

  it('[C17, C19] folding does not call a copy complete that a failed write has left behind', async () => {
    const name = await copyOf(499)
    const { copy, text, kept } = await open(name)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      text.insert(0, 'a')
      await vi.advanceTimersByTimeAsync(0)
      await kept()
      vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementationOnce(() => {
        throw new DOMException('the disk is full', 'QuotaExceededError')
      })
      text.insert(1, 'b')
      await vi.advanceTimersByTimeAsync(0)
      while (copy.error === undefined) await new Promise((resolve) => setImmediate(resolve))
      await vi.advanceTimersByTimeAsync(2_000)
    } finally {
      vi.useRealTimers()
    }
    expect(copy.isKept).toBe(false)
    text.insert(2, 'c')
    await kept()
    await copy.close()
    expect(await textIn(name)).toBe('abc')
  })

  it('[C17] records are folded when a copy is opened that has 500', async () => {
    const name = await copyOf(500)
    await (await open(name)).copy.close()
    expect(await recordsIn(name)).toBe(1)
  })

  it('[C17] folding keeps what another tab has stored', async () => {
    const name = await copyOf(499)
    const [one, two] = await Promise.all([open(name), open(name)])
    two.text.insert(0, 'of two')
    await two.kept()
    one.doc.getMap('m').set('k', 500)
    await one.kept()
    expect(one.text.toString()).toBe('')
    await Promise.all([one.copy.close(), two.copy.close()])
    const again = await open(name)
    expect(await recordsIn(name)).toBe(1)
    expect(again.text.toString()).toBe('of two')
    expect(again.doc.getMap('m').get('k')).toBe(500)
    await again.copy.close()
  })

  it('[C18] the generation is never stored after what belongs to it', async () => {
    const name = freshName()
    const { copy, text } = await open(name)
    expect(await copy.generation()).toBeUndefined()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    const add = vi.spyOn(IDBObjectStore.prototype, 'add')
    copy.setGeneration('g1')
    text.insert(0, 'of g1')
    await copy.close()
    expect(put.mock.invocationCallOrder[0]).toBeLessThan(add.mock.invocationCallOrder[0] ?? 0)
    vi.restoreAllMocks()
    const again = await open(name)
    expect(await again.copy.generation()).toBe('g1')
    await again.copy.close()
  })

  it('[C19] a full disk is shown and nothing is lost when a later write succeeds', async () => {
    const name = freshName()
    const { copy, text, kept } = await open(name)
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('the disk is full', 'QuotaExceededError')
    })
    text.insert(0, 'while full')
    await expect.poll(() => copy.error?.code).toBe('local_copy_failed')
    expect(copy.isKept).toBe(false)
    expect(copy.error?.message).toContain('the disk is full')
    add.mockRestore()
    text.insert(0, 'and ')
    await kept()
    expect(copy.error).toBeUndefined()
    await copy.close()
    expect(await textIn(name)).toBe('and while full')
  })

  it('[C19] open rejects with local_copy_failed when the database holds what is no update', async () => {
    const name = freshName()
    await (await open(name)).copy.close()
    const db = await openDatabase(name, () => undefined)
    await requestResult(
      db
        .transaction('updates', 'readwrite')
        .objectStore('updates')
        .add(Uint8Array.of(9, 9, 9)),
    )
    db.close()
    await expect(open(name)).rejects.toMatchObject({ code: 'local_copy_failed' })
  })
})
