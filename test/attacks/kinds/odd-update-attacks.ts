import { encodeUpdate } from '@joinery/protocol'
import type { WebSocket } from 'ws'
import type { Attack, AttackScene } from '../attack-scene.ts'
import { manyStructs } from '../hostile-bytes.ts'
import { OddUpdate } from '../odd-structs.ts'

const CLIENT = 7
const TEXT = 10_000

/** Enters again and again, and has `go` send what it likes on each connection, to a workspace of its own. */
async function again(scene: AttackScene, go: (socket: WebSocket) => Promise<unknown>): Promise<void> {
  for (let round = 0; !scene.isOver; round++) {
    const workspace = `${scene.workspace}-${round}`
    const socket = await scene.enter({ workspace, isJoinery: true })
    if (socket === undefined) continue
    await go(socket)
    socket.terminate()
  }
}

/** A text, and behind it so many values that can't be joined: each stands before the last. */
function crowdedText(values: number): Uint8Array {
  const update = new OddUpdate(CLIENT)
  update.text('x'.repeat(TEXT), { parent: 'text' })
  for (let index = 0; index < values; index++) {
    const last = { client: CLIENT, clock: update.clock - 1 }
    update.value(index, index === 0 ? { parent: 'list' } : { rightOrigin: last })
  }
  return update.bytes()
}

/** Deletes every second letter of a text, `count` times. */
const cuts = (from: number, count: number): Uint8Array =>
  new OddUpdate(CLIENT).bytes(Array.from({ length: count }, (_, index) => [from + 2 * index, 1] as const))

/** A text of so many formats, each of its own, and as many characters, that all have them. */
function formattedText(count: number): OddUpdate {
  const update = new OddUpdate(CLIENT)
  update.type('text', { parent: 'page' })
  const parent = { client: CLIENT, clock: 0 }
  for (let index = 0; index < 2 * count; index++) {
    const place = index === 0 ? { parent } : { origin: { client: CLIENT, clock: update.clock - 1 } }
    if (index < count) update.format(`f${index}`, place)
    else update.embed('{"a":1}', place)
  }
  return update
}

export const oddUpdateAttacks = {
  'costly-cuts': {
    title: 'a writer with 140,000 structs cuts a text before them in thousands of places, in update after update',
    run: (scene) =>
      again(scene, async (socket) => {
        await scene.send(socket, encodeUpdate(crowdedText(139_000)))
        await scene.pause(3_000)
        for (let from = 1; from < TEXT; from += 800) await scene.send(socket, encodeUpdate(cuts(from, 390)))
        await scene.pause(1_000)
      }),
  },
  'format-flood': {
    title: 'a writer gives a text 9,000 formats, and then one after the other',
    run: (scene) =>
      again(scene, async (socket) => {
        const text = formattedText(9_000)
        await scene.send(socket, encodeUpdate(text.bytes()))
        for (let count = 0; count < 200 && !scene.isOver; count++) {
          const { clock } = text
          const more = new OddUpdate(CLIENT, clock)
          more.format(`more ${count}`, { origin: { client: CLIENT, clock: clock - 1 } })
          text.clock = more.clock
          if (!(await scene.send(socket, encodeUpdate(more.bytes())))) return
          await scene.pause(20)
        }
      }),
  },
  subdocuments: {
    title: 'a writer makes 19,000 subdocuments in each update',
    run: (scene) =>
      again(scene, async (socket) => {
        for (let client = 1; client < 9; client++) {
          const update = new OddUpdate(client)
          for (let index = 0; index < 19_000; index++)
            update.subdocument('a', index === 0 ? { parent: 'docs' } : { origin: { client, clock: index - 1 } })
          if (!(await scene.send(socket, encodeUpdate(update.bytes())))) return
        }
        await scene.pause(500)
      }),
  },
  'deep-types': {
    title: 'a writer nests lists as deep as is allowed, 30 times in each update, and deletes them',
    run: (scene) =>
      again(scene, async (socket) => {
        for (let client = 1; client < 100; client++) {
          const update = new OddUpdate(client)
          for (let chain = 0; chain < 30; chain++) {
            for (let depth = 0; depth < 490; depth++)
              update.type('array', { parent: depth === 0 ? `root ${chain}` : { client, clock: update.clock - 1 } })
          }
          const { clock } = update
          const ends = Array.from({ length: 30 }, (_, chain) => [chain * 490, 1] as const)
          if (!(await scene.send(socket, encodeUpdate(update.bytes())))) return
          if (!(await scene.send(socket, encodeUpdate(new OddUpdate(client, clock).bytes(ends))))) return
        }
      }),
  },
  gaps: {
    title: 'a writer leaves a gap in each update, so that its structs wait, as many as are kept',
    run: (scene) =>
      again(scene, async (socket) => {
        let client = 1
        await scene.flood(socket, () => {
          const update = new OddUpdate(client, 5)
          client += 1
          update.text('x'.repeat(20), { origin: { client: client - 1, clock: 4 } })
          update.hole('skip', 3)
          update.text('y', { origin: { client: client - 1, clock: 4 } })
          return encodeUpdate(update.bytes())
        })
      }),
  },
  'known-again': {
    title: 'a writer sends an update of 149,000 structs that is known already again and again',
    run: (scene) =>
      again(scene, async (socket) => {
        const frame = encodeUpdate(manyStructs(CLIENT, 0, 149_000))
        await scene.send(socket, frame)
        await scene.pause(2_000)
        await scene.flood(socket, () => frame)
      }),
  },
} satisfies Record<string, Attack>
