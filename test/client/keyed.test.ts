import { type RuledDocument, UNRULED } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { connect, readText, startServer, textOf, whenState } from './fixture.ts'
import { HeldStore } from './held-store.ts'

/** Refuses every update that holds the text `forbidden`. */
const ruled: RuledDocument = {
  ...UNRULED,
  inspect: (update) =>
    Buffer.from(update).includes('forbidden') ? { code: 'forbidden_key', reason: 'the test forbids it' } : undefined,
}
const rules = { open: () => ruled }

type Blocks = Pick<ReturnType<typeof connect>, 'blocks'>
const append = (text: string) => (draft: Blocks) => {
  const { content } = draft.blocks.create('b', { type: 'text' })
  content.insert(content.length, text)
}

describe('a keyed edit', () => {
  it('[C50] it is durable and in the document when it resolves, and a repeat by anybody changes nothing', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    expect(await ada.transactOnce(append('one'), { idempotencyKey: 'k' })).toEqual({ lsn: 1, isRepeated: false })
    expect(readText(ada)).toBe('one')
    expect(await ada.transactOnce(append('two'), { idempotencyKey: 'k' })).toEqual({ lsn: 1, isRepeated: true })
    expect(await ben.transactOnce(append('three'), { idempotencyKey: 'k' })).toEqual({ lsn: 1, isRepeated: true })
    expect(await ben.transactOnce(append(' more'), { idempotencyKey: 'k2' })).toEqual({ lsn: 2, isRepeated: false })
    await until('ada has it', () => readText(ada) === 'one more')
    expect(readText(ben)).toBe('one more')
    await whenState(ada, 'saved')
    expect(ada.undo.state.get().canUndo).toBe(false)
  })

  it('[C50] within the edit the workspace’s own doc and blocks are the draft’s', async () => {
    const server = await startServer()
    const ada = connect(server)
    const edit = (): void => {
      const { content } = ada.blocks.create('b', { type: 'text' })
      ada.transact(() => content.insert(0, 'once'))
      expect(ada.doc.getMap('blocks').has('b')).toBe(true)
    }
    expect(await ada.transactOnce(edit, { idempotencyKey: 'k' })).toMatchObject({ isRepeated: false })
    expect(await ada.transactOnce(edit, { idempotencyKey: 'k' })).toMatchObject({ isRepeated: true })
    expect(readText(ada)).toBe('once')
  })

  it('[C50] an edit without a key is made at once and durable when it resolves', async () => {
    const store = new HeldStore()
    const server = await startServer({ store })
    const ada = connect(server)
    await ada.whenSynced
    const saved = ada.transactDurably(() => append('typed')(ada), {})
    expect([readText(ada), store.appends, ada.undo.state.get().canUndo]).toEqual(['typed', 0, true])
    expect(await saved).toEqual({ lsn: store.appends })
    const stop = AbortSignal.abort(new Error('had enough'))
    await expect(ada.transactDurably(() => append('!')(ada), { signal: stop })).rejects.toThrow('had enough')
    expect(readText(ada)).toBe('typed')
  })

  it('[C50] the earlier form, transact with options, still does both', async () => {
    const ada = connect(await startServer())
    const once: { idempotencyKey: string } = { idempotencyKey: 'k' }
    expect(await ada.transact(append('once'), once)).toEqual({ lsn: 1, isRepeated: false })
    expect(await ada.transact(append('twice'), once)).toEqual({ lsn: 1, isRepeated: true })
    expect(await ada.transact(() => append(', durably')(ada), {})).toEqual({ lsn: 2 })
    expect(readText(ada)).toBe('once, durably')
  })

  it('[C50] the types keep its three forms apart', () => {
    // Checked by the compiler, never run.
    const wrong = (ada: ReturnType<typeof connect>): void => {
      // @ts-expect-error a transaction is over before a promise settles
      ada.transact(async () => undefined)
      // @ts-expect-error nor is it waited for
      void ada.transactDurably(async () => undefined)
      // @ts-expect-error a draft is good until the edit returns
      void ada.transactOnce(async () => undefined, { idempotencyKey: 'k' })
      // @ts-expect-error without a key a repeat counts again
      void ada.transactOnce(() => undefined, {})
      // @ts-expect-error with a key it is another edit: transactOnce
      void ada.transactDurably(() => undefined, { idempotencyKey: 'k' })
      // @ts-expect-error a key that may be missing
      void ada.transactOnce(() => undefined, { idempotencyKey: undefined })
    }
    expect(wrong).toBeTypeOf('function')
  })

  it('[C50] edits of one workspace are made in the order of the calls, each on what those before it did', async () => {
    const server = await startServer()
    const ada = connect(server)
    const receipts = await Promise.all(
      [...'abcdefgh'].map((letter) => ada.transactOnce(append(letter), { idempotencyKey: `${letter}` })),
    )
    expect(receipts.map(({ lsn }) => lsn)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(readText(ada)).toBe('abcdefgh')
    // Block skeleton, and one client id for all edits of this process.
    expect(ada.doc.store.clients.size).toBe(2)
  })

  it('[C50] it builds on what was typed here before, and what is typed meanwhile stays', async () => {
    const store = new HeldStore()
    const server = await startServer({ store })
    const ada = connect(server)
    await ada.whenSynced
    textOf(ada).insert(0, 'typed')
    store.hold()
    const keyed = ada.transactOnce(append(' and keyed'), { idempotencyKey: 'k' })
    await until('the server has it', () => store.appends === 2)
    textOf(ada).insert(0, 'well ')
    expect(ada.saveStatus.get().state).toBe('saving')
    store.release()
    expect(await keyed).toMatchObject({ isRepeated: false })
    await ada.whenDurable()
    expect(readText(ada)).toBe('well typed and keyed')
    await whenState(ada, 'saved')
  })

  it('[C50] it counts once when the connection is lost before the answer', async () => {
    const store = new HeldStore()
    const server = await startServer({ store })
    const [ada, ben] = [connect(server), connect(server)]
    await ada.whenSynced
    store.hold()
    const keyed = ada.transactOnce(append('once'), { idempotencyKey: 'k' })
    await until('the server has it', () => store.appends === 1)
    ada.reconnect()
    await until('it is connected again', () => ada.saveStatus.get().state === 'saving')
    store.release()
    expect(await keyed).toEqual({ lsn: 1, isRepeated: true })
    await ada.transactOnce(append(', and on'), { idempotencyKey: 'k2' })
    await until('ben has all', () => readText(ben) === 'once, and on')
    expect(readText(ada)).toBe('once, and on')
  })

  it('[C50] it waits until there is a connection, with what was typed offline, and while storage fails', async () => {
    const store = new HeldStore()
    const first = await startServer({ store })
    const ada = connect(first)
    await ada.whenSynced
    await first.close()
    await whenState(ada, 'offline')
    textOf(ada).insert(0, 'offline')
    const keyed = ada.transactOnce(append(' then keyed'), { idempotencyKey: 'k' })
    const server = await startServer({ store, port: first.port })
    expect(await keyed).toMatchObject({ isRepeated: false })
    expect(readText(ada)).toBe('offline then keyed')
    store.fail('storage_full', 'the disk is full')
    await whenState(ada, 'held')
    const held = ada.transactOnce(append('!'), { idempotencyKey: 'k2' })
    const ben = connect(server)
    await Promise.all([ben.whenSynced, whenState(ben, 'held')])
    store.recover()
    expect(await held).toMatchObject({ isRepeated: false })
    await until('ben has it', () => readText(ben) === 'offline then keyed!')
  })

  it('[C51] what is done to a draft after its edit is lost, and harms no later one', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    let kept: Blocks | undefined
    const keep = (draft: Blocks): void => {
      kept = draft
      append('one')(draft)
    }
    await ada.transactOnce(keep, { idempotencyKey: 'k1' })
    if (kept !== undefined) append(' late')(kept)
    await ada.transactOnce(append(' two'), { idempotencyKey: 'k2' })
    await until('ben has both', () => readText(ben) === 'one two')
    expect(readText(ada)).toBe('one two')
  })

  it('[C51] a refused one is not in the document, sets nothing aside, and leaves its key free', async () => {
    const server = await startServer({ rules })
    const ada = connect(server)
    const { doc } = ada
    const refused = ada.transactOnce(append('forbidden'), { idempotencyKey: 'k' })
    await expect(refused).rejects.toMatchObject({ code: 'rejected', rejection: 'forbidden_key' })
    expect([ada.doc === doc, readText(ada)]).toEqual([true, ''])
    await whenState(ada, 'saved')
    expect(await ada.transactOnce(append('fine'), { idempotencyKey: 'k' })).toMatchObject({ isRepeated: false })
  })

  it('[C51] it is made on the next document when other edits are refused', async () => {
    const store = new HeldStore()
    const server = await startServer({ rules, store })
    const ada = connect(server)
    await ada.whenSynced
    textOf(ada).insert(0, 'forbidden')
    expect(await ada.transactOnce(append('fine'), { idempotencyKey: 'k' })).toMatchObject({ isRepeated: false })
    expect(readText(ada)).toBe('fine')
    expect(ada.saveStatus.get()).toMatchObject({ state: 'rejected', code: 'forbidden_key' })
  })

  it('[C51] what the edit throws is thrown, unless its key has taken effect', async () => {
    const server = await startServer()
    const ada = connect(server)
    const createOnce = ({ blocks }: Blocks): void => {
      if (blocks.get('b') !== undefined) throw new Error('there is one already')
      blocks.create('b', { type: 'text' })
    }
    expect(await ada.transactOnce(createOnce, { idempotencyKey: 'k' })).toMatchObject({ isRepeated: false })
    expect(await ada.transactOnce(createOnce, { idempotencyKey: 'k' })).toMatchObject({ isRepeated: true })
    await expect(ada.transactOnce(createOnce, { idempotencyKey: 'k2' })).rejects.toThrow('there is one already')
  })

  it('[C51] bad_options says so when the key can be none, or the edit is not made on the draft, or later', async () => {
    const server = await startServer()
    const ada = connect(server)
    await ada.whenSynced
    const content = textOf(ada)
    const live = () => content.insert(0, 'live')
    const late: (draft: Blocks) => unknown = async (draft) => append('late')(draft)
    for (const [edit, idempotencyKey] of [
      [append('x'), ''],
      [append('x'), 'x'.repeat(1_025)],
      [append('x'), '\ud800'],
      [live, 'k'],
      [late, 'k'],
    ] as const) {
      await expect(ada.transactOnce(edit, { idempotencyKey })).rejects.toMatchObject({ code: 'bad_options' })
    }
    expect(await ada.transactOnce(append('!'), { idempotencyKey: 'k' })).toMatchObject({ isRepeated: false })
    expect(readText(ada)).toBe('live!')
  })
})
