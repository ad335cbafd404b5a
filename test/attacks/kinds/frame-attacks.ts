import type { Socket } from 'node:net'
import { encodeJoinery, encodeSyncStep1, encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import { makeToken } from '../../support/tokens.ts'
import type { Attack, AttackScene } from '../attack-scene.ts'
import { endlessV2, stateVector } from '../hostile-bytes.ts'

/** Operation codes of RFC 6455, 5.2, without the bit that says that a message ends here. */
const CONTINUATION = 0
const BINARY = 2
const FINAL = 0x80
const CLOSE = 8
const PING = 9
/** Bytes that one raw socket keeps for itself before it waits. */
const UNSENT_MAX = 1024 * 1024

/** One masked frame of at most 125 bytes. The mask is zero. */
function shortFrame(first: number, payload: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([Uint8Array.of(first, 0x80 | payload.length, 0, 0, 0, 0), payload])
}

/** So many copies of a frame, one after the other. */
const repeated = (frame: Uint8Array, count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => frame))

/** A socket that has sent an upgrade with a token, and that speaks frames by itself. */
async function enterRaw(scene: AttackScene, token: string): Promise<Socket> {
  const socket = scene.tcp()
  socket.write(
    `GET /${scene.workspace}?token=${token} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await new Promise((resolve) => {
    socket.once('data', resolve)
    socket.once('close', resolve)
  })
  return socket
}

/** Writes the same bytes again and again, as fast as the server takes them. */
async function pour(scene: AttackScene, socket: Socket, bytes: Uint8Array): Promise<void> {
  while (!socket.destroyed && !scene.isOver) {
    socket.write(bytes)
    do await scene.pause(1)
    while (socket.writableLength > UNSENT_MAX && !socket.destroyed && !scene.isOver)
  }
}

/** Has so many raw sockets do the same, again and again: `first` once, and then `bytes` without end. */
const pouring = (
  title: string,
  connections: number,
  bytes: Uint8Array,
  first: Uint8Array = new Uint8Array(),
): Attack => ({
  title,
  run: async (scene) => {
    const token = await makeToken({ sub: 'mallory' })
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (!scene.isOver) {
          const socket = await enterRaw(scene, token)
          socket.write(first)
          await pour(scene, socket, bytes)
          await scene.pause(10)
        }
      }),
    )
  },
})

/** Has so many clients send frames without a pause, and enter again when they are closed. */
const flooding = (
  title: string,
  connections: number,
  frameOf: (turn: number, index: number) => Uint8Array,
  isJoinery = false,
): Attack => ({
  title,
  run: (scene) => scene.floodByMany(connections, { isJoinery }, frameOf),
})

/** An update of V2, as a client would send it that calls the other function of Yjs. */
function updateV2(letters: number): Uint8Array {
  const doc = new Y.Doc()
  for (let index = 0; index < letters; index++) doc.getText('text').insert(0, 'x')
  return Y.encodeStateAsUpdateV2(doc)
}

const V2 = encodeUpdate(updateV2(5_000))
const ENDLESS_V2 = encodeUpdate(endlessV2(7))
const ASKING = encodeSyncStep1(stateVector(2 ** 30, 90_000))
const ASKING_ALL = encodeSyncStep1(Uint8Array.of(0))
const NOTHING = encodeSyncStep2(Uint8Array.of(0, 0))
const CONFLICT = encodeJoinery({ type: 'conflict', block: 'b', field: 'f', winner: 1, loser: 2, rule: 'r' })

export const frameAttacks = {
  'empty-fragments': pouring(
    '20 connections send a message in fragments of no bytes, without end',
    20,
    repeated(shortFrame(CONTINUATION), 10_000),
    shortFrame(BINARY),
  ),
  fragments: pouring(
    '20 connections send messages in fragments of one byte, 4,000 each, without end',
    20,
    Buffer.concat([
      shortFrame(BINARY, Uint8Array.of(99)),
      repeated(shortFrame(CONTINUATION, Uint8Array.of(1)), 3_998),
      shortFrame(FINAL | CONTINUATION, Uint8Array.of(1)),
    ]),
  ),
  'small-unfinished': {
    title: '3,000 connections with a token send 60 KB of a frame each, and never the rest',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      const head = Buffer.from([FINAL | BINARY, 0x80 | 127, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0])
      const sockets: Socket[] = []
      while (!scene.isOver) {
        const next = await Promise.all(Array.from({ length: 20 }, () => enterRaw(scene, token)))
        for (const socket of next) {
          socket.write(head)
          socket.write(Buffer.alloc(60_000))
        }
        sockets.push(...next)
        if (sockets.length >= 3_000) await scene.pause(3_600_000)
      }
    },
  },
  'unended-closes': pouring(
    '20 connections send a close frame and then pings, and end nothing',
    20,
    repeated(shortFrame(FINAL | PING, new Uint8Array(100)), 500),
    shortFrame(FINAL | CLOSE, Uint8Array.of(3, 0xe8)),
  ),
  'unknown-frames': flooding('20 connections send frames of unknown types without a pause', 20, (turn) =>
    Uint8Array.of(100 + (turn % 20), 1, 2, 3),
  ),
  'auth-frames': flooding('20 connections send auth frames, and enter again', 20, () => Uint8Array.of(2, 0, 1, 97)),
  'updates-v2': flooding(
    '20 connections send updates of V2, and some that stand for a million million structs',
    20,
    (_, index) => (index % 2 === 0 ? V2 : ENDLESS_V2),
  ),
  'sync-steps': flooding(
    '20 connections ask by state vectors of 90,000 clients and by empty ones in turn, and answer what nobody asked',
    20,
    (turn) => [ASKING, ASKING_ALL, NOTHING][turn % 3] as Uint8Array,
  ),
  'small-conflicts': flooding('20 connections report small conflicts without a pause', 20, () => CONFLICT, true),
} satisfies Record<string, Attack>
