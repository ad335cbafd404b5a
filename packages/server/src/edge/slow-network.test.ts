import type { Socket } from 'node:net'
import { decodeFrame, encodeSyncStep1, encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const PARAGRAPH = 'Measure twice, cut once. '.repeat(400)
/** Pings after which a connection that gave no sign of life is long gone. */
const PINGS = 6

async function connect(): Promise<WebSocket> {
  const ws = new WebSocket(`${fixture.server.url.replace('http', 'ws')}/w`, {
    autoPong: false,
    perMessageDeflate: false,
  })
  await new Promise((resolve) => ws.once('open', resolve))
  return ws
}

/** One binary message as a client frames it, with a mask of zeros. */
function framed(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(14)
  header[0] = 0x82
  header[1] = 0x80 | 127
  header.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([header, payload])
}

describe('a slow connection', () => {
  for (const kind of ['stored', 'live'] as const) {
    it(`[S95] a large ${kind} workspace is sent in messages that a slow client gets in time, the SyncStep2 last`, async () => {
      fixture = await ServerFixture.start({ limits: kind === 'stored' ? { coolAfterMs: 0 } : {} })
      const { workspaces } = fixture.server
      const writer = { actor: 'engine', source: 'workflow_execution' }
      for (let n = 0; n < 30; n++) {
        const run = (doc: Y.Doc) => {
          for (let at = 0; at < 10; at++) doc.getText('t').insert(0, `${n} ${at} ${PARAGRAPH}`)
        }
        await workspaces.write(W, { writer, via: 'test', run })
      }
      if (kind === 'stored') await expect.poll(() => fixture.server.load().cold).toBe(1)
      const client = await fixture.client('w').synced()
      const sizes = client.frames.map((frame) => ('update' in frame ? frame.update.length : 0))
      expect(Math.max(...sizes)).toBeLessThan(700_000)
      expect(client.frames.filter(({ type }) => type === 'update').length).toBeGreaterThan(3)
      const text = await workspaces.read(W, ({ doc }) => doc.getText('t').toString())
      expect(client.text.toString() === text).toBe(true)
    })
  }

  it('[S13] a client that is still sending one large message is not ended, though it can answer no ping', async () => {
    fixture = await ServerFixture.start({ limits: { heartbeatMs: 20 } })
    const ws = await connect()
    const { _socket: socket } = ws as unknown as { _socket: Socket }
    const doc = new Y.Doc()
    doc.getText('t').insert(0, PARAGRAPH)
    const message = framed(encodeUpdate(Y.encodeStateAsUpdate(doc)))
    let sent = 0
    await new Promise<void>((resolve, reject) => {
      ws.once('close', () => reject(new Error('the server ended it')))
      ws.on('ping', () => {
        if (sent === PINGS) return resolve()
        socket.write(message.subarray(sent, ++sent))
      })
    })
    socket.write(message.subarray(sent))
    const stored = () => fixture.server.workspaces.read(W, (view) => view.doc.getText('t').length)
    await expect.poll(stored).toBe(PARAGRAPH.length)
    ws.terminate()
  })

  it('[S13] a client that sends nothing and answers no ping is ended', async () => {
    fixture = await ServerFixture.start({ limits: { heartbeatMs: 20 } })
    const ws = await connect()
    ws.send(encodeSyncStep1(Y.encodeStateVector(new Y.Doc())))
    const frames: string[] = []
    ws.on('message', (data: Buffer) => frames.push(decodeFrame(data).type))
    await new Promise((resolve) => ws.once('close', resolve))
    expect(frames).toContain('syncStep2')
  })
})
