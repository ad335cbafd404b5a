import { encodeSyncStep1, encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import type { Attack, AttackScene, EnterOptions } from '../attack-scene.ts'
import {
  endlessV2,
  itemsAtOnePlace,
  manyClients,
  manyDeletions,
  manyStructs,
  manyValues,
  rootNames,
  stateVector,
} from '../hostile-bytes.ts'

/** Sends updates by a connection each to a new workspace, again and again, and has others join it. */
async function poison(
  scene: AttackScene,
  updates: (round: number) => readonly Uint8Array[],
  options: EnterOptions = {},
): Promise<void> {
  for (let round = 0; !scene.isOver; round++) {
    const workspace = `${scene.workspace}-${round}`
    await Promise.all(
      updates(round).map(async (update, index) => {
        const claims = { sub: `mallory-${index}` }
        const socket = await scene.enter({ workspace, claims, isJoinery: true, ...options })
        if (socket !== undefined) await scene.send(socket, encodeUpdate(update))
      }),
    )
    await scene.pause(300)
    const joined = await Promise.all(
      Array.from({ length: 5 }, (_, index) => scene.enter({ workspace, claims: { sub: `joiner-${index}` } })),
    )
    await scene.pause(300)
    for (const socket of joined) socket?.terminate()
  }
}

/** An update with 400,000 letters of a client. */
function longText(client: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getText('text').insert(0, 'x'.repeat(400_000))
  return Y.encodeStateAsUpdate(doc)
}

/** A reader or writer that asks by state vectors of clients that nobody has met. */
const askBy = (access: 'read' | 'write', entries: number): Attack => ({
  title: `5 connections that may ${access} ask by state vectors of ${entries.toLocaleString('en')} clients`,
  run: async (scene) => {
    const frame = encodeSyncStep1(stateVector(2 ** 30, entries))
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        while (!scene.isOver) {
          const socket = await scene.enter({ claims: { access } })
          if (socket !== undefined) await scene.flood(socket, () => frame)
        }
      }),
    )
  },
})

export const costlyDocumentAttacks = {
  'items-at-one-place': {
    title: 'two writers put 4,000 items of other clients each at one place, in workspace after workspace',
    run: (scene) => poison(scene, () => [itemsAtOnePlace(1, 4_000), itemsAtOnePlace(2_000_000, 4_000)]),
  },
  'root-names': {
    title: 'a writer makes 20,000 root types, and others join',
    run: (scene) => poison(scene, () => [rootNames(1, 20_000)]),
  },
  'roots-allowed': {
    title: 'a writer makes as many root types as are allowed, and others join',
    run: (scene) => poison(scene, () => [rootNames(1, 1_990)]),
  },
  'client-ids': {
    title: 'four writers bring 61,440 client ids, and then type',
    run: (scene) => poison(scene, () => [0, 1, 2, 3].map((index) => manyClients(1 + index * 20_000, 15_360))),
  },
  'client-id-squatting': {
    title: 'a writer brings new client ids in small updates without a pause, so that nobody else can have them',
    run: async (scene) => {
      let next = 1
      while (!scene.isOver) {
        const socket = await scene.enter({ isJoinery: true })
        if (socket === undefined) continue
        await scene.flood(socket, () => {
          next += 2
          return encodeUpdate(manyClients(next, 2))
        })
      }
    },
  },
  'many-structs': {
    title: 'a writer answers with 50 MB of structs of three bytes',
    run: (scene) => poison(scene, () => [manyStructs(7, 0, 16_000_000)]),
  },
  'structs-allowed': {
    title: 'a writer sends as many structs in an update as are allowed, again and again',
    run: (scene) => poison(scene, () => [manyStructs(7, 0, 149_000)]),
  },
  'structs-in-pieces': {
    title: 'a writer sends as many structs in an update as are taken in pieces, again and again',
    run: (scene) => poison(scene, () => [manyStructs(7, 0, 990_000)]),
  },
  'many-values': {
    title: 'a writer sends a list of 30 million empty objects in one struct',
    run: (scene) => poison(scene, () => [manyValues(7, 30_000_000)]),
  },
  'brought-structs': {
    title: 'a writer sends updates with millions of structs by HTTP, as 50 MB of V1 and as 40 bytes of V2',
    run: async (scene) => {
      const updates = [manyStructs(7, 0, 16_000_000), endlessV2(7)]
      for (let round = 0; !scene.isOver; round++) {
        const path = `/v1/workspaces/${scene.workspace}-${round}/update`
        await scene.call('POST', path, { bytes: updates[round % 2] as Uint8Array })
        await scene.pause(10)
      }
    },
  },
  'delete-ranges': {
    title: 'a writer deletes every second letter of a long text, in 200,000 ranges',
    run: (scene) => poison(scene, () => [longText(7), manyDeletions(7, 200_000)]),
  },
  'deletions-allowed': {
    title: 'a writer deletes every second letter of a long text, in as many ranges as are allowed',
    run: (scene) => poison(scene, () => [Y.mergeUpdates([longText(7), manyDeletions(7, 29_000)])]),
  },
  'deletions-ahead': {
    title: 'a writer deletes what nobody has written, in update after update, so that it waits',
    run: async (scene) => {
      let client = 1_000_000
      while (!scene.isOver) {
        const socket = await scene.enter({ isJoinery: true })
        if (socket !== undefined) await scene.flood(socket, () => encodeUpdate(manyDeletions(client++, 2_000)))
      }
    },
  },
  'state-vectors-reader': askBy('read', 200_000),
  'state-vectors-writer': askBy('write', 5_000_000),
  'edit-flood': {
    title: 'five writers send edits without a pause in one workspace each',
    run: async (scene) => {
      await Promise.all(
        [0, 1, 2, 3, 4].map(async (index) => {
          const socket = await scene.enter({
            workspace: `${scene.workspace}-${index}`,
            claims: { sub: `mallory-${index}` },
          })
          if (socket === undefined) return
          const doc = new Y.Doc()
          const sent: Uint8Array[] = []
          doc.on('update', (update: Uint8Array) => sent.push(update))
          const text = doc.getText('text')
          await scene.flood(socket, () => {
            if (sent.length === 0) text.insert(0, 'x')
            return encodeUpdate(sent.shift() as Uint8Array)
          })
        }),
      )
    },
  },
} satisfies Record<string, Attack>
