import { LogError } from '@joinery/log'
import { encodeJoinery, encodeUpdate, type KeyedResult } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type RuledDocument, UNRULED } from '../content/document-rules.ts'
import { createAuthenticator, signToken } from '../identity.ts'
import { GatedStore } from '../testing/gated-store.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const SECRET = 'a secret of at least thirty-two bytes'
const ruled: RuledDocument = {
  ...UNRULED,
  inspect: (update) =>
    Buffer.from(update).includes('forbidden') ? { code: 'bad_claim', reason: 'the test forbids it' } : undefined,
}
const rules = { open: () => ruled }

const join = (path = 'w?joinery=1'): Promise<RawClient> => fixture.client(path).synced()

/** An update that puts `text` before everything else. */
function updateOf(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

const resultsOf = (client: RawClient): KeyedResult[] =>
  client.messages.filter((message) => message.type === 'keyedResult')

/** Sends a keyed update. Resolves with its answer, which is the `nth` answer that the client gets. */
async function write(client: RawClient, key: string, update: Uint8Array): Promise<KeyedResult> {
  const nth = resultsOf(client).length
  client.send(encodeJoinery({ type: 'keyed', key, update }))
  await client.until(() => resultsOf(client).length > nth)
  return resultsOf(client)[nth] as KeyedResult
}

async function records(): Promise<{ key: string | undefined; actor: string }[]> {
  const found = []
  for await (const { idempotencyKey, actor } of fixture.server.workspaces.records(W)) {
    found.push({ key: idempotencyKey, actor })
  }
  return found
}

const storedText = () => fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())

describe('a keyed update', () => {
  it('[S40] it is made once, everybody sees it, its sender included, and repeats hear the first LSN', async () => {
    fixture = await ServerFixture.start()
    const [ada, ben] = await Promise.all([join('w?joinery=1&actor=ada'), join('w?joinery=1&actor=ben')])
    expect(await write(ada, 'k', new Uint8Array())).toMatchObject({ key: 'k', outcome: 'unknown' })
    expect(await write(ada, 'k', updateOf('one'))).toMatchObject({ key: 'k', outcome: 'applied', lsn: 1 })
    await Promise.all([ada, ben].map((client) => client.until(() => client.text.toString() === 'one')))
    expect(await write(ben, 'k', updateOf('two'))).toMatchObject({ outcome: 'repeated', lsn: 1 })
    expect(await write(ada, 'k', new Uint8Array())).toMatchObject({ outcome: 'repeated', lsn: 1 })
    expect(await write(ben, 'nothing', Uint8Array.of(0, 0))).toMatchObject({ outcome: 'applied', lsn: 2 })
    expect(await storedText()).toBe('one')
    expect(await records()).toEqual([
      { key: 'k', actor: 'ada' },
      { key: 'nothing', actor: 'ben' },
    ])
  })

  it('[S324] it is refused under a key of the server itself, and nothing is written', async () => {
    fixture = await ServerFixture.start()
    const ada = await join()
    const refused = await write(ada, 'joinery:task', updateOf('one'))
    expect(refused).toMatchObject({ outcome: 'refused', code: 'forbidden_key' })
    expect(await write(ada, 'joinery', updateOf('two'))).toMatchObject({ outcome: 'applied', lsn: 1 })
    expect(await storedText()).toBe('two')
  })

  it('[S40] it is a record of its own, after what its connection sent before, and takes no frame number', async () => {
    fixture = await ServerFixture.start()
    const ada = await join()
    ada.text.insert(0, 'typed')
    const update = updateOf('keyed ')
    ada.send(encodeJoinery({ type: 'keyed', key: 'k', update }))
    ada.text.insert(0, '!')
    await ada.until(() => (ada.message('durable')?.frames ?? 0) === 3 && resultsOf(ada).length === 1)
    const keys = (await records()).map(({ key }) => key)
    // Updates after the keyed one may share a record with those before it, but never the record of the keyed one.
    expect(keys.indexOf('k')).toBeGreaterThan(0)
    expect(keys.filter((key) => key === 'k')).toHaveLength(1)
    expect(ada.sentUpdates).toBe(3)
  })

  it('[S34, S40] its key is the HTTP face’s, too, and nobody hears of it before its record is durable', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const [ada, ben, cyd] = await Promise.all([join(), join(), join()])
    const slow = Promise.withResolvers<void>()
    store.durableGate = slow.promise
    ada.send(encodeJoinery({ type: 'keyed', key: 'k', update: updateOf('socket') }))
    await expect.poll(() => store.synced.length).toBe(1)
    cyd.text.insert(0, '!')
    for (const client of [ada, ben]) await client.until(() => client.text.length > 0)
    const other = fixture.server.workspaces.write(W, {
      writer: { actor: 'engine', source: 'workflow_execution' },
      via: 'http',
      idempotencyKey: 'k',
      run: (doc) => doc.getText('t').insert(0, 'http'),
    })
    const second = write(ben, 'k', updateOf('again'))
    expect([ada.text.toString(), ben.text.toString(), resultsOf(ada)]).toEqual(['!', '!', []])
    slow.resolve()
    expect(await other).toEqual({ repeated: true, value: undefined, lsn: 1 })
    expect(await second).toMatchObject({ outcome: 'repeated', lsn: 1 })
    await ada.until(() => resultsOf(ada).length === 1)
    expect(resultsOf(ada)[0]).toMatchObject({ outcome: 'applied', lsn: 1 })
    await ben.until(() => ben.text.length === 7)
    expect((await storedText()).replace('!', '')).toBe('socket')
  })

  it('[S40, S94] a client that joins before it is durable is answered with it then, and with later edits after that', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const [ada, ben] = await Promise.all([join(), join()])
    const slow = Promise.withResolvers<void>()
    store.durableGate = slow.promise
    ada.send(encodeJoinery({ type: 'keyed', key: 'k', update: updateOf('keyed') }))
    await expect.poll(() => store.synced.length).toBe(1)
    ben.text.insert(0, 'a')
    await ada.until(() => ada.text.length > 0)
    const late = fixture.client('w?joinery=1')
    await late.until(() => late.frames.some(({ type }) => type === 'syncStep1'))
    await late.roundTrip()
    ben.text.insert(1, 'b')
    await ada.until(() => ada.text.toString() === 'ab')
    await late.roundTrip()
    const told = () => late.frames.flatMap(({ type }) => (type === 'syncStep2' || type === 'update' ? [type] : []))
    expect(told()).toEqual([])
    slow.resolve()
    await late.until(() => late.text.length === 7)
    expect(told()[0]).toBe('syncStep2')
    expect(late.doc.store.pendingStructs).toBeNull()
    const next = await join()
    expect(next.text.toString()).toBe(late.text.toString())
  })

  it('[S40] a refused one leaves its key free and its connection open', async () => {
    fixture = await ServerFixture.start({ rules, limits: { updateBytesMax: 200, pendingBytesMax: 10 } })
    const ada = await join()
    const gap = new Y.Doc()
    gap.getText('t').insert(0, 'first')
    const before = Y.encodeStateVector(gap)
    gap.getText('t').insert(5, 'second, which builds on the first')
    const updates: [Uint8Array, string][] = [
      [updateOf('forbidden'), 'bad_claim'],
      [updateOf('x'.repeat(200)), 'too_large'],
      [Uint8Array.of(1, 2, 3, 255, 255, 255, 255, 255, 255), 'bad_update'],
      [Y.encodeStateAsUpdate(gap, before), 'pending_too_large'],
    ]
    for (const [update, code] of updates) {
      expect(await write(ada, 'k', update)).toMatchObject({ key: 'k', outcome: 'refused', code })
    }
    expect(await write(ada, 'k', updateOf('fine'))).toMatchObject({ outcome: 'applied', lsn: 1 })
    expect([await storedText(), ada.closed]).toEqual(['fine', undefined])
    ada.text.insert(0, 'so ')
    await ada.until(() => ada.message('durable')?.lsn === 2)
  })

  it('[S40] it is refused when its connection may only read', async () => {
    fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    const token = await signToken(SECRET, {
      sub: 'rita',
      workspaces: ['w'],
      access: 'read',
      sources: ['user_action'],
      exp: Math.floor(Date.now() / 1000) + 600,
    })
    const rita = await join(`w?joinery=1&token=${token}`)
    expect(await write(rita, 'k', updateOf('mine'))).toMatchObject({ outcome: 'refused', code: 'read_only' })
    expect(await records()).toEqual([])
  })

  it('[S40] a connection is ended that did not ask for Joinery’s message, or has too many waiting', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const [stock, busy] = [await join('w'), await join()]
    stock.send(encodeJoinery({ type: 'keyed', key: 'k', update: updateOf('x') }))
    await stock.until(() => stock.closed !== undefined)
    expect(stock.closed?.code).toBe(4400)
    const slow = Promise.withResolvers<void>()
    store.durableGate = slow.promise
    for (let n = 0; n < 17; n++) busy.send(encodeJoinery({ type: 'keyed', key: `k${n}`, update: updateOf('x') }))
    await busy.until(() => busy.closed !== undefined)
    expect(busy.closed).toMatchObject({ code: 4400, reason: expect.stringContaining('at most 16') })
    slow.resolve()
  })

  it('[S94] edits of its room that come after it are seen with it, since they may build on it', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const ada = await join()
    const slow = Promise.withResolvers<void>()
    store.durableGate = slow.promise
    const { workspaces } = fixture.server
    const append = (text: string) => ({
      writer: { actor: 'engine', source: 'workflow_execution' },
      via: 'test',
      run: (doc: Y.Doc) => doc.getText('t').insert(doc.getText('t').length, text),
    })
    const keyed = workspaces.write(W, { ...append('keyed'), idempotencyKey: 'k' })
    await workspaces.read(W, () => undefined)
    const plain = workspaces.write(W, append(', then plain'))
    await workspaces.read(W, () => undefined)
    await ada.roundTrip()
    expect([ada.text.toString(), ada.doc.store.pendingStructs]).toEqual(['', null])
    slow.resolve()
    await Promise.all([keyed, plain])
    await ada.until(() => ada.text.toString() === 'keyed, then plain')
  })

  it('[S41] it waits while storage fails, and is made when its client sends it again', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const ada = await join()
    const stepsSoFar = (): number => ada.frames.filter(({ type }) => type === 'syncStep1').length
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    await ada.until(() => ada.message('writable')?.isWritable === false)
    const before = stepsSoFar()
    const keyed = encodeJoinery({ type: 'keyed', key: 'k', update: updateOf('once') })
    ada.send(keyed)
    await ada.roundTrip()
    await fixture.server.workspaces.position(W)
    expect(resultsOf(ada)).toEqual([])
    store.state = { state: 'open' }
    await ada.until(() => stepsSoFar() > before)
    ada.send(keyed)
    ada.send(keyed)
    await ada.until(() => resultsOf(ada).length === 1)
    expect(resultsOf(ada)[0]).toMatchObject({ outcome: 'applied', lsn: 1 })
    ada.send(encodeUpdate(Uint8Array.of(0, 0)))
    await ada.until(() => (ada.message('durable')?.frames ?? 0) >= 3)
    expect([await storedText(), (await records()).length]).toEqual(['once', 1])
  })
})

/** Two updates, of which the second builds on the first. */
function twoUpdates(): [Uint8Array, Uint8Array] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  doc.getText('t').insert(0, 'a')
  doc.getText('t').insert(1, 'b')
  return updates as [Uint8Array, Uint8Array]
}

describe('a keyed update that builds on edits which have not arrived', () => {
  it('[S419] is answered when they show, and is not in the log before', async () => {
    fixture = await ServerFixture.start()
    const [first, second] = twoUpdates()
    const [ada, ben] = await Promise.all([join(), join()])
    ada.send(encodeJoinery({ type: 'keyed', key: 'k', update: second }))
    await ada.roundTrip()
    ben.text.insert(0, '!')
    await ada.until(() => ada.text.toString() === '!')
    expect([resultsOf(ada), (await records()).map(({ key }) => key)]).toEqual([[], [undefined]])
    ben.send(encodeUpdate(first))
    await ada.until(() => resultsOf(ada).length === 1)
    expect(resultsOf(ada)).toMatchObject([{ outcome: 'applied', lsn: 3 }])
    expect((await storedText()).replace('!', '')).toBe('ab')
  })

  it('[S419] leaves its key to another that lacks nothing, and hears then that it is a repeat', async () => {
    fixture = await ServerFixture.start()
    const [first, second] = twoUpdates()
    const [ada, ben] = await Promise.all([join(), join()])
    ada.send(encodeJoinery({ type: 'keyed', key: 'k', update: second }))
    await ada.roundTrip()
    expect(await write(ben, 'k', new Uint8Array())).toMatchObject({ outcome: 'unknown' })
    expect(await write(ben, 'k', updateOf('whole'))).toMatchObject({ outcome: 'applied', lsn: 1 })
    ben.send(encodeUpdate(first))
    await ada.until(() => resultsOf(ada).length === 1)
    expect(resultsOf(ada)).toMatchObject([{ outcome: 'repeated', lsn: 1 }])
    expect(await records()).toHaveLength(2)
  })

  it('[S419] is forgotten with its client', async () => {
    fixture = await ServerFixture.start()
    const [first, second] = twoUpdates()
    const [ada, ben] = await Promise.all([join(), join()])
    ada.send(encodeJoinery({ type: 'keyed', key: 'k', update: second }))
    await ada.roundTrip()
    await ada.close()
    await expect.poll(() => fixture.server.load().connections).toBe(1)
    ben.send(encodeUpdate(first))
    await ben.until(() => ben.message('durable')?.frames === ben.sentUpdates)
    expect(await write(ben, 'k', new Uint8Array())).toMatchObject({ outcome: 'unknown' })
    expect(await storedText()).toBe('a')
  })

  it('[S419] is refused when too much waits, and a bad one at once, without harm to its connection', async () => {
    fixture = await ServerFixture.start({ limits: { pendingBytesMax: 600 } })
    const [, second] = twoUpdates()
    const ada = await join()
    const results: KeyedResult[] = []
    for (const key of ['one', 'two', 'three']) ada.send(encodeJoinery({ type: 'keyed', key, update: second }))
    await ada.until(() => resultsOf(ada).length > 0)
    results.push(...resultsOf(ada))
    expect(results).toMatchObject([{ key: 'three', outcome: 'refused', code: 'pending_too_large' }])
    const bad = { type: 'keyed', key: 'bad', update: Uint8Array.of(9, 9, 9) } as const
    expect(await write(ada, bad.key, bad.update)).toMatchObject({ outcome: 'refused', code: 'bad_update' })
    expect(await write(ada, 'good', updateOf('good'))).toMatchObject({ outcome: 'applied', lsn: 1 })
  })
})
