import type { Socket } from 'node:net'
import { makeToken } from '../../support/tokens.ts'
import type { Attack, AttackScene } from '../attack-scene.ts'

const MIB = 1024 * 1024

const upgrade = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** The head of a binary frame of so many bytes, masked with zeros. */
function frameHead(bytes: number): Buffer {
  const head = Buffer.alloc(14)
  head[0] = 0x82
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

async function write(scene: AttackScene, socket: Socket, bytes: Uint8Array): Promise<void> {
  socket.write(bytes)
  while (socket.writableLength > MIB && !socket.destroyed && !scene.isOver) await scene.pause(5)
}

/** Sends an upgrade and all but the end of a frame, as fast as the server takes it. */
async function unfinishedFrame(scene: AttackScene, target: string, bytes: number): Promise<void> {
  const socket = scene.tcp()
  socket.write(upgrade(target))
  await scene.pause(50)
  await write(scene, socket, frameHead(bytes))
  const piece = Buffer.alloc(64 * 1024)
  for (let left = bytes - piece.length; left > 0 && !socket.destroyed && !scene.isOver; left -= piece.length) {
    await write(scene, socket, piece)
  }
}

async function untilOver(scene: AttackScene, step: () => Promise<unknown>): Promise<void> {
  while (!scene.isOver) await step()
}

/** Opens so many connections that each send `head`, and then a byte every second. */
async function trickle(scene: AttackScene, connections: number, head: string): Promise<void> {
  const sockets = Array.from({ length: connections }, () => scene.tcp())
  for (const socket of sockets) socket.write(head)
  await untilOver(scene, async () => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('a')
    await scene.pause(1_000)
  })
}

/** Sends a request whose body comes in chunks of a byte each, without an end, as fast as the server takes it, and again once it is cut. */
async function tinyChunks(scene: AttackScene, head: string): Promise<void> {
  const chunks = Buffer.from('1\r\n \r\n'.repeat(20_000))
  await untilOver(scene, async () => {
    const socket = scene.tcp()
    socket.write(head)
    while (!socket.destroyed && !scene.isOver) await write(scene, socket, chunks)
    await scene.pause(10)
  })
}

const putHead = (scene: AttackScene, ...headers: readonly string[]): string =>
  [`PUT /v1/workspaces/${scene.workspace}/blocks/a HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')

export const admissionAttacks = {
  'tiny-chunks': {
    title: '20 requests with a token send bodies in chunks of a byte each',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      const headers = [`Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked']
      await Promise.all(Array.from({ length: 20 }, () => tinyChunks(scene, putHead(scene, ...headers))))
    },
  },
  'tiny-chunks-refused': {
    title: '50 requests without a token send bodies in chunks of a byte each',
    run: async (scene) => {
      const head = putHead(scene, 'Content-Type: application/json', 'Transfer-Encoding: chunked')
      await Promise.all(Array.from({ length: 50 }, () => tinyChunks(scene, head)))
    },
  },
  'unfinished-frames': {
    title: '20 sockets without a token send all but the end of a frame of 63 MiB each',
    run: (scene) =>
      untilOver(scene, async () => {
        await Promise.all(Array.from({ length: 20 }, () => unfinishedFrame(scene, `/${scene.workspace}`, 63 * MIB)))
        await scene.pause(500)
      }),
  },
  'unfinished-with-token': {
    title: '20 sockets with a token send all but the end of a frame of 63 MiB each',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      await untilOver(scene, async () => {
        const target = `/${scene.workspace}?token=${token}`
        await Promise.all(Array.from({ length: 20 }, () => unfinishedFrame(scene, target, 63 * MIB)))
        await scene.pause(500)
      })
    },
  },
  'slow-upgrades': {
    title: '3,000 connections send half of an upgrade, and a byte of a header every second',
    run: async (scene) => {
      await trickle(scene, 3_000, 'GET /w HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nX-A: ')
    },
  },
  'slow-bodies': {
    title: '1,000 requests with a token announce 1 MiB and send a byte of it every second',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      const head =
        `PUT /v1/workspaces/${scene.workspace}/blocks/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${MIB - 10}\r\n\r\n{"content":"`
      await trickle(scene, 1_000, head)
    },
  },
  'reconnect-flood': {
    title: '50 clients with a token connect, and leave as soon as they are let in, without a pause',
    run: async (scene) => {
      await Promise.all(
        Array.from({ length: 50 }, () =>
          untilOver(scene, async () => {
            const socket = await scene.enter()
            scene.tell(socket === undefined ? 'refused' : 'let in')
            socket?.terminate()
          }),
        ),
      )
    },
  },
  'refused-flood': {
    title: '50 clients with a token for another workspace connect again and again',
    run: async (scene) => {
      await Promise.all(
        Array.from({ length: 50 }, () =>
          untilOver(scene, () => scene.enter({ claims: { workspaces: ['elsewhere'] }, isJoinery: true })),
        ),
      )
    },
  },
} satisfies Record<string, Attack>
