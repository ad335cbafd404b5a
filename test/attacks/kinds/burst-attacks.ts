import type { Socket } from 'node:net'
import { makeToken } from '../../support/tokens.ts'
import type { Attack, AttackScene } from '../attack-scene.ts'

const CONNECTIONS = 1_000
/** Requests in one packet of a connection. */
const IN_A_ROW = 300
const FOREIGN_SECRET = 'a secret that the server does not have, and long enough'

const getOf = (scene: AttackScene, token: string): string =>
  `GET /v1/workspaces/${scene.workspace}/blocks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`

const upgradeOf = (scene: AttackScene, token: string): string =>
  `GET /${scene.workspace}?token=${token} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** So many tokens of one actor that differ. */
const tokensOf = (count: number, secret?: string): Promise<string[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) => makeToken({ sub: 'mallory', expiresIn: 3_600 + index }, secret)),
  )

/** Opens a thousand connections, and then sends what each has to say at once; again when all were answered. */
async function burst(scene: AttackScene, saying: (index: number) => string): Promise<void> {
  while (!scene.isOver) {
    const sockets = Array.from({ length: CONNECTIONS }, () => scene.tcp())
    await settled(scene, sockets, 'connect')
    for (const [index, socket] of sockets.entries()) socket.write(saying(index))
    await settled(scene, sockets, 'data')
    for (const socket of sockets) socket.destroy()
  }
}

/** Resolves when each socket has had the event, or is closed, or the attack is over. */
async function settled(scene: AttackScene, sockets: readonly Socket[], event: string): Promise<void> {
  let left = sockets.length
  for (const socket of sockets) {
    let isDone = false
    const done = (): void => {
      if (!isDone) left--
      isDone = true
    }
    socket.once(event, done)
    socket.once('close', done)
  }
  while (left > 0 && !scene.isOver) await scene.pause(5)
}

export const burstAttacks = {
  'request-burst': {
    title: '1,000 connections send a request each in one moment, with one token',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      await burst(scene, () => getOf(scene, token))
    },
  },
  'token-burst': {
    title: '1,000 connections send a request each in one moment, each with another token',
    run: async (scene) => {
      const tokens = await tokensOf(CONNECTIONS)
      await burst(scene, (index) => getOf(scene, tokens[index] ?? ''))
    },
  },
  'bad-token-burst': {
    title: '1,000 connections send a request each in one moment, each with a token of another key',
    run: async (scene) => {
      const tokens = await tokensOf(CONNECTIONS, FOREIGN_SECRET)
      await burst(scene, (index) => getOf(scene, tokens[index] ?? ''))
    },
  },
  'upgrade-burst': {
    title: '1,000 connections ask for a WebSocket in one moment, with one token',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      await burst(scene, () => upgradeOf(scene, token))
    },
  },
  'bad-upgrade-burst': {
    title: '1,000 connections ask for a WebSocket in one moment, each with a token of another key',
    run: async (scene) => {
      const tokens = await tokensOf(CONNECTIONS, FOREIGN_SECRET)
      await burst(scene, (index) => upgradeOf(scene, tokens[index] ?? ''))
    },
  },
  'request-rows': {
    title: '1,000 connections send 300 requests each in one packet',
    run: async (scene) => {
      const token = await makeToken({ sub: 'mallory' })
      const row = getOf(scene, token).repeat(IN_A_ROW)
      await burst(scene, () => row)
    },
  },
} satisfies Record<string, Attack>
