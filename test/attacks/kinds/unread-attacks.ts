import { encodeAwareness, encodeAwarenessStates, encodeJoinery, encodeSyncStep1, encodeUpdate } from '@joinery/protocol'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import type { Attack, AttackScene } from '../attack-scene.ts'

const READER = { sub: 'eve', access: 'read' } as const

/** Connections that read nothing once they are in. */
async function deaf(scene: AttackScene, count: number, isReader = true): Promise<WebSocket[]> {
  const entered = await Promise.all(
    Array.from({ length: count }, () =>
      scene.enter({ isDeaf: true, isJoinery: true, ...(isReader && { claims: READER }) }),
    ),
  )
  return entered.filter((socket) => socket !== undefined)
}

/** Fills the attacker's workspace with so many bytes of text. */
async function fill(scene: AttackScene, bytes: number): Promise<void> {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'x'.repeat(bytes))
  const writer = await scene.enter()
  if (writer !== undefined) await scene.send(writer, encodeUpdate(Y.encodeStateAsUpdate(doc)))
  await scene.pause(500)
}

/** Repeats one frame on many sockets at once. */
function floodAll(
  scene: AttackScene,
  sockets: readonly WebSocket[],
  frame: (index: number) => Uint8Array,
): Promise<unknown> {
  return Promise.all(sockets.map((socket, index) => scene.flood(socket, () => frame(index))))
}

export const unreadAttacks = {
  'conflict-flood': {
    title: 'a writer reports conflicts of 60 KB without a pause, to 20 connections that do not read',
    run: async (scene) => {
      await deaf(scene, 20)
      const writer = await scene.enter({ isJoinery: true })
      if (writer === undefined) return
      const long = 'x'.repeat(30_000)
      const frame = encodeJoinery({ type: 'conflict', block: 'b', field: 'f', winner: long, loser: long, rule: 'r' })
      await scene.flood(writer, () => frame)
    },
  },
  'presence-flood': {
    title: '50 readers change presence of 4 KB each without a pause, beside 20 connections that do not read',
    run: async (scene) => {
      await deaf(scene, 20)
      const writers = await Promise.all(Array.from({ length: 50 }, () => scene.enter({ claims: READER })))
      const name = 'x'.repeat(3_900)
      let clock = 0
      await floodAll(
        scene,
        writers.filter((socket) => socket !== undefined),
        (index) =>
          encodeAwareness(
            encodeAwarenessStates([{ clientId: 1_000 + index, clock: ++clock, json: `{"user":"${name}"}` }]),
          ),
      )
    },
  },
  'awareness-states': {
    title: 'a writer sends awareness of 2,000 states in each frame',
    run: async (scene) => {
      await deaf(scene, 5)
      const writer = await scene.enter()
      if (writer === undefined) return
      let clock = 0
      await scene.flood(writer, () => {
        clock++
        const states = Array.from({ length: 2_000 }, (_, clientId) => ({ clientId, clock, json: '{"a":1}' }))
        return encodeAwareness(encodeAwarenessStates(states))
      })
    },
  },
  'watch-flood': {
    title: '10 readers ask who touched what again and again, and do not read the answers',
    run: async (scene) => {
      const doc = new Y.Doc()
      for (let index = 0; index < 1_500; index++) doc.getMap(`root ${index}`).set('a', index)
      const writer = await scene.enter()
      if (writer !== undefined) await scene.send(writer, encodeUpdate(Y.encodeStateAsUpdate(doc)))
      await scene.pause(500)
      const frame = encodeJoinery({ type: 'watch' })
      await floodAll(scene, await deaf(scene, 10), () => frame)
    },
  },
  'sync-answers': {
    title: '20 readers ask for a document of 8 MB again and again, and do not read the answers',
    run: async (scene) => {
      await fill(scene, 8_000_000)
      const frame = encodeSyncStep1(Uint8Array.of(0))
      await floodAll(scene, await deaf(scene, 20), () => frame)
    },
  },
  'unread-edits': {
    title: 'a writer sends 100 KB of text in each edit, beside 50 connections that do not read',
    run: async (scene) => {
      await deaf(scene, 50)
      const writer = await scene.enter()
      if (writer === undefined) return
      const doc = new Y.Doc()
      let last = new Uint8Array()
      doc.on('update', (update: Uint8Array) => {
        last = new Uint8Array(update)
      })
      await scene.flood(writer, () => {
        const text = doc.getText('text')
        text.delete(0, text.length)
        text.insert(0, 'x'.repeat(100_000))
        return encodeUpdate(last)
      })
    },
  },
  'ping-flood': {
    title: '10 readers send pings without a pause and do not read',
    run: async (scene) => {
      const sockets = await deaf(scene, 10)
      await Promise.all(
        sockets.map(async (socket) => {
          for (let sent = 1; !scene.isOver && socket.readyState === socket.OPEN; sent++) {
            socket.ping('x'.repeat(100))
            if (sent % 200 === 0) await scene.pause(1)
          }
        }),
      )
    },
  },
} satisfies Record<string, Attack>
