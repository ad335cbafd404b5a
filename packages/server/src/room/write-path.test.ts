import { encodeAwareness, encodeSyncStep2, encodeUpdate, WIRE_LIMITS } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type RuledDocument, UNRULED } from '../content/document-rules.ts'
import { createAuthenticator, signToken } from '../identity.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

/** Rules that refuse every update with the text `forbidden`. */
const ruled: RuledDocument = {
  ...UNRULED,
  inspect: (update) =>
    Buffer.from(update).includes('forbidden') ? { code: 'bad_claim', reason: 'the test forbids it' } : undefined,
  touched: (transaction) => [`${transaction.changed.size} types`],
}
const rules = { open: () => ruled }

const SECRET = 'a secret of at least thirty-two bytes'
async function reader(): Promise<string> {
  return signToken(SECRET, {
    sub: 'rita',
    workspaces: ['w'],
    access: 'read',
    sources: ['user_action'],
    exp: Math.floor(Date.now() / 1000) + 600,
  })
}
async function writer(): Promise<string> {
  return signToken(SECRET, {
    sub: 'walt',
    workspaces: ['w*'],
    access: 'write',
    sources: ['user_action'],
    exp: Math.floor(Date.now() / 1000) + 600,
  })
}

/** Bytes that Yjs can't read. */
const GARBAGE = Uint8Array.of(1, 2, 3, 255, 255, 255, 255, 255, 255)

describe('a refused update', () => {
  it('[S8] nothing of it is applied, logged or forwarded, and the sender hears why, when the rules refuse it', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, rules })
    const [sender, other] = await Promise.all([fixture.client('w?joinery=1').synced(), fixture.client('w').synced()])
    sender.text.insert(0, 'fine ')
    sender.text.insert(5, 'forbidden')
    sender.text.insert(0, 'after ')
    await sender.until(() => sender.message('rejected') !== undefined)
    expect(sender.message('rejected')).toEqual({
      type: 'rejected',
      frame: 3,
      code: 'bad_claim',
      reason: 'the test forbids it',
    })
    await sender.until(() => sender.message('durable')?.frames === 2)
    // The room takes no later update, either, though this one builds on nothing that was refused.
    const stranger = new Y.Doc()
    stranger.getText('t').insert(0, 'later')
    sender.send(encodeUpdate(Y.encodeStateAsUpdate(stranger)))
    await sender.roundTrip()
    expect(sender.closed).toBeUndefined()
    expect(sender.message('durable')?.frames).toBe(2)
    await other.until(() => other.text.toString() === 'fine ')
    await sender.close()
    await other.close()
    await fixture.close()
    const doc = new Y.Doc()
    const records = await store.records('w')
    for (const record of records) Y.applyUpdate(doc, record.update)
    expect(doc.getText('t').toString()).toBe('fine ')
    expect(records[0]?.touched).toEqual(['1 types'])
  })

  it('[S8] a stock client gets close code 4403 with the reason when the rules refuse its update', async () => {
    fixture = await ServerFixture.start({ rules })
    const sender = await fixture.client('w').synced()
    sender.text.insert(0, 'forbidden')
    await sender.until(() => sender.closed !== undefined)
    expect(sender.closed).toEqual({ code: 4403, reason: 'bad_claim: the test forbids it' })
  })

  it('[S9] the document is rebuilt from the log and others notice nothing when an update spoils it', async () => {
    fixture = await ServerFixture.start()
    const [sender, other] = await Promise.all([fixture.client('w').synced(), fixture.client('w').synced()])
    other.text.insert(0, 'kept')
    await sender.until(() => sender.text.toString() === 'kept')
    sender.send(encodeUpdate(GARBAGE))
    await sender.until(() => sender.closed !== undefined)
    expect(sender.closed?.code).toBe(4400)
    other.text.insert(4, ' on')
    const fresh = fixture.client('w')
    await fresh.until(() => fresh.text.toString() === 'kept on')
    expect(other.closed).toBeUndefined()
  })

  it('[S9] a V2 update is refused when there are no rules that would', async () => {
    fixture = await ServerFixture.start()
    const sender = await fixture.client('w?joinery=1').synced()
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'in V2')
    sender.send(encodeUpdate(Y.encodeStateAsUpdateV2(doc)))
    await sender.until(() => sender.message('rejected') !== undefined)
    expect(sender.message('rejected')).toMatchObject({ frame: 2, code: 'bad_update' })
  })

  it('[S26] a client is not blamed and its edit is not taken from it when the rules themselves fail', async () => {
    let isBroken = true
    const failing: RuledDocument = {
      ...UNRULED,
      inspect: () => {
        if (isBroken) throw new TypeError('a bug in the rules')
        return undefined
      },
    }
    fixture = await ServerFixture.start({ rules: { open: () => failing } })
    const sender = await fixture.client('w?joinery=1').synced()
    sender.text.insert(0, 'kept')
    await sender.until(() => sender.closed !== undefined)
    expect(sender.closed?.code).toBe(1013)
    expect(sender.message('rejected')).toBeUndefined()
    isBroken = false
    const again = fixture.client('w')
    Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(sender.doc))
    const other = fixture.client('w')
    await other.until(() => other.text.toString() === 'kept')
  })

  it('[S9] updates that wait for others are bounded when a client never sends what they build on', async () => {
    fixture = await ServerFixture.start({ limits: { pendingBytesMax: 1000 } })
    const sender = await fixture.client('w?joinery=1').synced()
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    doc.getText('t').insert(0, 'a')
    doc.getText('t').insert(1, 'b'.repeat(2000))
    sender.send(encodeUpdate(updates[1] as Uint8Array))
    await sender.until(() => sender.message('rejected') !== undefined)
    expect(sender.message('rejected')).toMatchObject({ frame: 2, code: 'pending_too_large' })
    const fresh = await fixture.client('w').synced()
    expect(fresh.doc.store.pendingStructs).toBeNull()
  })
})

describe('a connection that may only read', () => {
  it('[S10] it syncs, sees others and is refused only when it writes something new', async () => {
    fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    const sender = await fixture.client(`w?token=${await writer()}`).synced()
    sender.text.insert(0, 'hello')
    const rita = await fixture.client(`w?joinery=1&token=${await reader()}`).synced()
    await rita.until(() => rita.text.toString() === 'hello')
    rita.send(encodeSyncStep2(Y.encodeStateAsUpdate(rita.doc)))
    await rita.until(() => rita.message('durable')?.frames === 1)
    rita.text.insert(0, 'mine')
    await rita.until(() => rita.message('rejected') !== undefined)
    expect(rita.message('rejected')).toMatchObject({ frame: 2, code: 'read_only' })
    const stock = await fixture.client(`w?token=${await reader()}`).synced()
    stock.text.delete(0, 1)
    stock.doc.getMap('carets').set('mine', new Y.Map())
    sender.text.insert(5, '!')
    await stock.until(() => stock.text.toString().includes('!'))
    expect(stock.closed).toBeUndefined()
    expect(fixture.server.counters.readersEdits).toBe(2)
    expect(fixture.server.counters.refused.get('read_only')).toBe(2)
    const fresh = await fixture.client(`w?token=${await reader()}`).synced()
    expect([fresh.text.toString(), fresh.doc.share.has('carets')]).toEqual(['hello!', false])
  })
})

describe('limits', () => {
  it('[S11] an update over the limit is refused, and an answer to SyncStep1 may be larger, when it is sent', async () => {
    fixture = await ServerFixture.start({ limits: { updateBytesMax: 1000 } })
    const offline = fixture.client('w?joinery=1')
    offline.text.insert(0, 'x'.repeat(5000))
    await offline.synced()
    await offline.until(() => offline.message('durable')?.frames === 1)
    offline.text.insert(0, 'y'.repeat(2000))
    await offline.until(() => offline.message('rejected') !== undefined)
    expect(offline.message('rejected')).toMatchObject({ frame: 2, code: 'too_large' })
    const stock = await fixture.client('w').synced()
    expect(stock.text.length).toBe(5000)
    stock.text.insert(0, 'z'.repeat(2000))
    await stock.until(() => stock.closed !== undefined)
    expect(stock.closed?.code).toBe(4413)
  })

  it('[S11] an update over the limit passes when all of it is known already, as from a local copy that loads late', async () => {
    fixture = await ServerFixture.start({ limits: { updateBytesMax: 1000 } })
    const first = fixture.client('w?joinery=1')
    first.text.insert(0, 'x'.repeat(5000))
    await first.synced()
    await first.until(() => first.message('durable')?.frames === 1)
    const late = await fixture.client('w?joinery=1').synced()
    await late.until(() => late.message('durable') !== undefined)
    late.send(encodeUpdate(Y.encodeStateAsUpdate(first.doc)))
    await late.until(() => late.message('durable')?.frames === late.sentUpdates)
    late.text.insert(0, '!')
    await late.until(() => late.message('durable')?.frames === late.sentUpdates)
    expect(late.message('rejected')).toBeUndefined()
  })

  it('[S11] a SyncStep2 that nobody asked for is held to the limit of an update', async () => {
    fixture = await ServerFixture.start({ limits: { updateBytesMax: 1000 } })
    const client = await fixture.client('w').synced()
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'x'.repeat(2000))
    client.send(encodeSyncStep2(Y.encodeStateAsUpdate(doc)))
    await client.until(() => client.closed !== undefined)
    expect(client.closed?.code).toBe(4413)
  })

  it.each([
    ['a text frame', 'text'],
    ['garbage', Uint8Array.of(0, 200, 1, 2)],
    ['a frame with bytes after its end', Uint8Array.of(3, 3)],
    ['a message only servers send', Uint8Array.of(74, 1, 1, 1)],
    ['awareness that is not JSON', encodeAwareness(Uint8Array.of(1, 7, 1, 3, 0x7b, 0x7b, 0x7b))],
    ['awareness over its limit', encodeAwareness(new Uint8Array(WIRE_LIMITS.awarenessBytesMax + 1))],
    ['a SyncStep1 that holds no state vector', Uint8Array.of(0, 0, 2, 255, 255)],
  ])('[S9] %s ends its connection with 4400, and no other', async (_what, bytes) => {
    fixture = await ServerFixture.start()
    const [bad, bystander] = await Promise.all([fixture.client('w').synced(), fixture.client('w').synced()])
    bad.ws.send(bytes)
    await bad.until(() => bad.closed !== undefined)
    expect(bad.closed?.code).toBe(4400)
    expect(bad.closed?.reason).toMatch(/^bad_frame: /)
    await bystander.roundTrip()
    expect(bystander.closed).toBeUndefined()
  })
})
