import { CLOSE, encodeJoinery, encodeUpdate } from '@joinery/protocol'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { RawClient } from '../support/raw-client.ts'
import { type Scene, setScene } from '../support/scene.ts'
import { until, within } from '../support/until.ts'

let scene: Scene

beforeAll(async () => {
  scene = await setScene()
})

afterAll(() => scene?.[Symbol.asyncDispose]())

let workspaceCount = 0
let workspace = ''
/** Somebody else in the same room as the offender, who has already written. */
let neighbour: RawClient

beforeEach(async () => {
  workspace = `frames-${++workspaceCount}`
  neighbour = await RawClient.open({ url: scene.url, path: workspace, wantsJoinery: true })
  neighbour.doc.getText('content').insert(0, 'intact')
})

/** The neighbour's work stands, goes on, and is what a newcomer gets; other rooms notice nothing. */
async function expectUnharmed(): Promise<void> {
  const text = neighbour.doc.getText('content')
  text.insert(text.length, '!')
  await until('the neighbour is acknowledged', () => neighbour.framesDurable === neighbour.framesSent)
  expect(text.toString()).toBe('intact!')
  const fresh = await RawClient.open({ url: scene.url, path: workspace })
  expect(fresh.doc.getText('content').toString()).toBe('intact!')
  await fresh.close()
  await neighbour.close()
  await scene.bystander.check()
}

function v2Update(): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('content').insert(0, 'in the other encoding')
  return Y.encodeStateAsUpdateV2(doc)
}

/** Builds on an edit that nobody ever sends. */
function orphanUpdate(): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('content').insert(0, 'never sent')
  const before = Y.encodeStateVector(doc)
  doc.getText('content').insert(10, 'x'.repeat(300_000))
  return Y.encodeStateAsUpdate(doc, before)
}

describe('frames against the grammar', () => {
  const frames: readonly [what: string, frame: Uint8Array | string, says: RegExp][] = [
    ['text', 'hello', /binary/],
    ['an empty frame', new Uint8Array(0), /bad_frame/],
    ['garbage', Uint8Array.from({ length: 500 }, (_, index) => (index * 37 + 201 * +(index > 1)) % 256), /bad_frame/],
    ['an unknown sync message', Uint8Array.of(0, 7, 0), /sync message 7/],
    ['an update that ends early', Uint8Array.of(0, 2, 200, 1, 1, 2), /ends early/],
    ['an update with bytes after it', Uint8Array.of(0, 2, 2, 0, 0, 99), /bytes follow/],
    ['a number of twenty bytes', new Uint8Array(20).fill(255), /bad_frame/],
    ['a state vector that is none', Uint8Array.of(0, 0, 3, 255, 255, 255), /bad_frame|state vector/],
    ['an awareness update that is none', Uint8Array.of(1, 2, 5, 5), /bad_frame|awareness/],
    ['a message only servers send', encodeJoinery({ type: 'durable', frames: 1, lsn: 1 }), /bad_frame|joinery/],
  ]
  it.each(frames)('[T33] a client is closed with 4400 and the reason when it sends %s', async (_what, frame, says) => {
    for (const wantsJoinery of [false, true]) {
      const offender = await RawClient.open({ url: scene.url, path: workspace, wantsJoinery })
      offender.socket.send(frame)
      expect(await within('the offender is closed', offender.ended)).toMatchObject({
        kind: 'close',
        code: CLOSE.badFrame,
        reason: expect.stringMatching(says),
      })
    }
    await expectUnharmed()
  })

  it('[T33] a client stays connected, and its next edit counts, when it sends a message of a type that nobody knows', async () => {
    const client = await RawClient.open({ url: scene.url, path: workspace, wantsJoinery: true })
    for (const frame of [[4], [9, 1, 2], [122, 255, 255, 255]]) client.socket.send(Uint8Array.from(frame))
    let durable = 0
    client.onMessage = (message) => {
      if (message.type === 'durable') durable = message.frames
    }
    client.doc.getText('unknown').insert(0, 'still here')
    await until('the edit is durable', () => durable === client.framesSent)
    await client.close()
    await expectUnharmed()
  })

  it('[T34] a client is closed with 1009 when one message exceeds what the server takes at all', async () => {
    const offender = await RawClient.open({ url: scene.url, path: workspace })
    // Only the header: the server must not wait for 200 MiB to come.
    const header = Buffer.alloc(14)
    header.set([0x82, 0xff])
    header.writeBigUInt64BE(200n * 1024n * 1024n, 2)
    socketUnder(offender).write(header)
    expect(await within('the offender is closed', offender.ended)).toMatchObject({ kind: 'close', code: 1009 })
    await expectUnharmed()
  })
})

describe('updates that may not be applied', () => {
  const updates: readonly [what: string, update: () => Uint8Array, code: string, close: number][] = [
    ['a Yjs V2 update', v2Update, 'bad_update', CLOSE.badFrame],
    ['bytes that are no update', () => Uint8Array.of(3, 1, 4, 1, 5, 9, 2, 6), 'bad_update', CLOSE.badFrame],
    ['a V2 update of a few bytes that declares ten million structs', v2Bomb, 'bad_update', CLOSE.badFrame],
    ['more than may wait for what it builds on', orphanUpdate, 'pending_too_large', CLOSE.refusedForNow],
  ]
  it.each(updates)(
    '[T35] an update is refused whole, with its code, when it is %s',
    async (_what, update, code, close) => {
      const knowing = await RawClient.open({ url: scene.url, path: workspace, wantsJoinery: true })
      knowing.sendUpdateFrame(encodeUpdate(update()))
      await until('the knowing client is told', () => knowing.rejections.length > 0)
      expect(knowing.rejections[0]).toMatchObject({ frame: knowing.framesSent, code })
      expect(knowing.rejections[0]?.reason.length).toBeGreaterThan(20)
      await knowing.close()

      const stock = await RawClient.open({ url: scene.url, path: workspace })
      stock.sendUpdateFrame(encodeUpdate(update()))
      const ending = await within('the stock client is closed', stock.ended)
      expect(ending).toMatchObject({ kind: 'close', code: close, reason: expect.stringMatching(`^${code}: `) })
      await expectUnharmed()
    },
  )
})

/** A Yjs V2 update of a few bytes that declares ten million structs, and that a V2 reader would make. */
function v2Bomb(): Uint8Array {
  const structs = 10_000_000
  const nothing = new Uint8Array(0)
  const info = new encoding.RleEncoder(encoding.writeUint8)
  info.write(0)
  const client = new encoding.UintOptRleEncoder()
  client.write(1)
  const length = new encoding.UintOptRleEncoder()
  for (let struct = 0; struct < structs; struct++) length.write(1)
  const update = encoding.createEncoder()
  encoding.writeVarUint(update, 0)
  const columns = [nothing, client.toUint8Array(), nothing, nothing, encoding.toUint8Array(info)]
  for (const column of [...columns, nothing, nothing, nothing, length.toUint8Array()]) {
    encoding.writeVarUint8Array(update, column)
  }
  for (const number of [1, structs, 0, 0]) encoding.writeVarUint(update, number)
  return encoding.toUint8Array(update)
}

/** The TCP socket of a client, for bytes that no WebSocket library would send. */
function socketUnder({ socket }: RawClient): { write(bytes: Uint8Array): void } {
  const inner: unknown = Reflect.get(socket, '_socket')
  if (typeof inner !== 'object' || inner === null || !('write' in inner) || typeof inner.write !== 'function') {
    throw new Error('this `ws` keeps its TCP socket elsewhere')
  }
  const write = inner.write.bind(inner)
  return { write: (bytes) => void write(bytes) }
}
