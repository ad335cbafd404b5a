import * as encoding from 'lib0/encoding'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { UNRULED } from '../content/document-rules.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const ADA = { actor: 'ada', source: 'user_action', sources: undefined, isAuthenticated: false }
const bring = (update: Uint8Array, more: { idempotencyKey?: string } = {}) =>
  fixture.server.workspaces.bring(W, { writer: ADA, via: 'http', update, ...more })
const textOf = () => fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())

function docWith(text: string): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return doc
}

describe('updates that programs bring', () => {
  it('[S110] an update is one record of its writer, which live clients see, and nothing when it is known', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const client = await fixture.client('w').synced()
    const doc = docWith('brought')
    const made = await bring(Y.encodeStateAsUpdate(doc))
    expect(made).toMatchObject({ repeated: false, lsn: 1, record: { actor: 'ada', connection: 'http' } })
    await client.until(() => client.text.toString() === 'brought')
    expect(await bring(Y.encodeStateAsUpdate(doc))).toMatchObject({ record: undefined, lsn: 1 })
    doc.getText('t').insert(7, ' and more')
    // Half of this update is known.
    expect(await bring(Y.encodeStateAsUpdate(doc))).toMatchObject({ lsn: 2 })
    await client.until(() => client.text.toString() === 'brought and more')
    await client.close()
    await fixture.close()
    expect((await store.records('w')).map(({ lsn }) => lsn)).toEqual([1, 2])
  })

  it('[S110] an update that builds on missing edits is refused with their clocks, and is taken after them', async () => {
    fixture = await ServerFixture.start()
    const doc = docWith('first')
    doc.clientID = 7
    const before = Y.encodeStateVector(doc)
    doc.getText('t').insert(5, ' second')
    const first = Y.encodeStateAsUpdate(docWith(''))
    const second = Y.encodeStateAsUpdate(doc, before)
    await bring(first)
    const [other] = [...Y.decodeStateVector(before).keys()]
    expect(await bring(second)).toMatchObject({
      refusal: { code: 'missing_edits', missing: new Map([[other, 5]]) },
    })
    expect(await textOf()).toBe('')
    expect(await bring(Y.encodeStateAsUpdate(doc))).toMatchObject({ lsn: 1 })
    expect(await textOf()).toBe('first second')
  })

  it('[S110] bytes that are no whole V1 update are refused before the room is touched', async () => {
    fixture = await ServerFixture.start()
    const doc = docWith('x')
    const refusalOf = async (bytes: Uint8Array) => await bring(bytes, { idempotencyKey: 'k' })
    const v2 = await refusalOf(Y.encodeStateAsUpdateV2(doc))
    expect(v2).toMatchObject({ refusal: { code: 'bad_update', reason: expect.stringContaining('V2') } })
    for (const bytes of [new Uint8Array(), Buffer.from('not an update'), Y.encodeStateAsUpdate(doc).subarray(0, 5)]) {
      expect(await refusalOf(bytes)).toMatchObject({ refusal: { code: 'bad_update' } })
    }
    // The key is still free.
    expect(await refusalOf(Y.encodeStateAsUpdate(doc))).toMatchObject({ repeated: false, lsn: 1 })
  })

  it('[S110] an update whose structs build on one another in a circle is refused, and the room goes on', async () => {
    fixture = await ServerFixture.start()
    await bring(Y.encodeStateAsUpdate(docWith('before')))
    const circle = encoding.createEncoder()
    encoding.writeVarUint(circle, 2)
    for (const [client, other] of [
      [5, 6],
      [6, 5],
    ] as const) {
      // One struct at clock 0: a text of one letter to the right of the other client's first.
      for (const number of [1, client, 0, 0x80 | 4, other, 0]) encoding.writeVarUint(circle, number)
      encoding.writeVarString(circle, 'x')
    }
    encoding.writeVarUint(circle, 0)
    // The flags of a struct are one byte, and not a number of variable length.
    const bytes = encoding.toUint8Array(circle).filter((byte, at, all) => !(byte === 1 && all[at - 1] === 0x84))
    expect(await bring(bytes)).toMatchObject({
      refusal: { code: 'bad_update', reason: expect.stringContaining('itself') },
    })
    expect(await bring(Y.encodeStateAsUpdate(docWith('after ')))).toMatchObject({ lsn: 2 })
    expect(await textOf()).toMatch(/^(after before|beforeafter )$/)
  })

  it('[S110] an update with a key is made once, and its repeat changes nothing', async () => {
    fixture = await ServerFixture.start()
    const update = Y.encodeStateAsUpdate(docWith('once'))
    const both = await Promise.all([
      bring(update, { idempotencyKey: 'k' }),
      bring(Y.encodeStateAsUpdate(docWith('twice')), { idempotencyKey: 'k' }),
    ])
    expect(both).toMatchObject([
      { repeated: false, lsn: 1 },
      { repeated: true, lsn: 1 },
    ])
    expect(await textOf()).toBe('once')
    // Known content: the key has a record all the same.
    expect(await bring(update, { idempotencyKey: 'other' })).toMatchObject({ repeated: false, lsn: 2 })
  })

  it('[S110] the rules of documents, and other content under known clocks, refuse an update whole', async () => {
    const rules = {
      open: () => ({
        ...UNRULED,
        inspect: (update: Uint8Array) =>
          update.length > 100 ? ({ code: 'too_deep', reason: 'too long for this test' } as const) : undefined,
      }),
    }
    fixture = await ServerFixture.start({ rules })
    expect(await bring(Y.encodeStateAsUpdate(docWith('x'.repeat(200))))).toMatchObject({
      refusal: { code: 'too_deep' },
    })
    const [one, two] = [docWith(''), docWith('')]
    one.clientID = two.clientID = 9
    one.getText('t').insert(0, 'one')
    two.getText('t').insert(0, 'two')
    await bring(Y.encodeStateAsUpdate(one))
    expect(await bring(Y.encodeStateAsUpdate(two))).toMatchObject({ refusal: { code: 'client_id_owned' } })
    expect(await textOf()).toBe('one')
    expect(fixture.server.counters.refused.get('too_deep')).toBe(1)
  })
})
