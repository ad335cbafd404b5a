import { createBlock, getBlock } from '@joinery/blocks'
import { encodeUpdate } from '@joinery/protocol'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import type { Attack, AttackScene } from '../attack-scene.ts'
import { manyValues } from '../hostile-bytes.ts'
import { OddUpdate } from '../odd-structs.ts'

const CLIENT = 7
/** Words of a text that are undone one by one. */
const WORDS = 5_000

/** A document of the attacker, and a connection to which all its edits go. */
interface Desk {
  readonly doc: Y.Doc
  readonly socket: WebSocket
  /** Sends what was edited since. Returns false once the connection or the attack is over. */
  send(): Promise<boolean>
}

/** Enters a new workspace again and again, and edits there until the connection is closed. */
async function edit(scene: AttackScene, go: (desk: Desk) => Promise<unknown>, sub = 'mallory'): Promise<void> {
  for (let round = 0; !scene.isOver; round++) {
    const workspace = `${scene.workspace}-${sub}-${round}`
    const socket = await scene.enter({ workspace, isJoinery: true, claims: { sub } })
    if (socket === undefined) {
      await scene.pause(10)
      continue
    }
    const doc = new Y.Doc()
    const edits: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => edits.push(update))
    const send = async (): Promise<boolean> => {
      for (const update of edits.splice(0)) if (!(await scene.send(socket, encodeUpdate(update)))) return false
      await new Promise((resolve) => setImmediate(resolve))
      return !scene.isOver && socket.readyState === socket.OPEN
    }
    await go({ doc, socket, send })
    await scene.pause(200)
    socket.terminate()
  }
}

/** Repeats `step` until the connection or the attack is over, at most `steps` times. */
async function repeat(desk: Desk, steps: number, step: (at: number) => void): Promise<void> {
  for (let at = 0; at < steps; at++) {
    desk.doc.transact(() => step(at))
    if (!(await desk.send())) return
  }
}

/** Five writers enter a new workspace each, send one frame and leave, again and again. */
async function fiveAtOnce(scene: AttackScene, frame: Uint8Array): Promise<void> {
  await Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      edit(
        scene,
        async ({ socket }) => {
          await scene.send(socket, frame)
          // Longer than the trial takes: the update is taken, and the document stays for a while.
          await scene.pause(2_000)
        },
        `mallory-${index}`,
      ),
    ),
  )
}

/** Makes keys of one kind, each of them new. */
function makeHugeKeys(scene: AttackScene, kind: number): Promise<void> {
  const go = async (desk: Desk): Promise<void> => {
    const map = desk.doc.getMap('map')
    await repeat(desk, 100, (step) => {
      const key = `${step}${'x'.repeat(500_000)}`
      if (kind === 0) map.set(key, 1)
      else if (kind === 1) desk.doc.getMap(key).set('a', 1)
      else {
        const element = new Y.XmlElement('p')
        element.setAttribute(key, 'a')
        desk.doc.getXmlFragment('page').insert(0, [element])
      }
    })
  }
  return edit(scene, go, `mallory-${kind}`)
}

export const editAttacks = {
  'index-claims': {
    title: 'a writer makes claims by the hundred thousand in the list of one block',
    run: (scene) =>
      edit(scene, async (desk) => {
        createBlock(desk.doc, 'b', { type: 'text' })
        const author = { source: 'user_action', actor: 'mallory' } as const
        const list = getBlock(desk.doc, 'b')?.indexingList
        await repeat(desk, 1_000, (step) => {
          for (let at = 0; at < 100; at++) list?.startRun(`index ${step} ${at}`, author)
        })
      }),
  },
  'raw-claims': {
    title: 'a writer puts 100,000 elements that are no claims into the lists of a block',
    run: (scene) =>
      edit(scene, async (desk) => {
        createBlock(desk.doc, 'b', { type: 'text' })
        const block = desk.doc.getMap<Y.Map<unknown>>('blocks').get('b')
        const lists = [...(block?.values() ?? [])].filter((part) => part instanceof Y.Array)
        await repeat(desk, 100, (step) => {
          for (const list of lists)
            list.push(Array.from({ length: 500 }, (_, at) => ({ id: `${step} ${at}`, status: 'x' })))
        })
      }),
  },
  renames: {
    title: 'a writer sets 1,000 keys of a map anew without a pause, and takes every fourth of these edits back',
    run: (scene) =>
      edit(scene, async (desk) => {
        const map = desk.doc.getMap('map')
        const undo = new Y.UndoManager(map, { captureTimeout: 0 })
        for (let step = 0; await desk.send(); step++) {
          if (step % 4 === 3) undo.undo()
          else
            desk.doc.transact(() => {
              for (let key = 0; key < 1_000; key++) map.set(`key ${key}`, step)
            })
        }
        undo.destroy()
      }),
  },
  undos: {
    title: 'a writer writes 5,000 words over each other in one text, and undoes and redoes all of them without a pause',
    run: (scene) =>
      edit(scene, async (desk) => {
        const text = desk.doc.getText('text')
        const undo = new Y.UndoManager(text, { captureTimeout: 0 })
        await repeat(desk, WORDS, (word) => {
          text.insert((word * 7_919) % (text.length + 1), `word ${word} `)
          text.delete(0, Math.min(3, text.length))
        })
        // Each step is an edit of its own: a transaction around several would make one of them.
        const all = async (step: () => unknown): Promise<boolean> => {
          for (let at = 0; at < WORDS; at++) {
            step()
            if (!(await desk.send())) return false
          }
          return true
        }
        while ((await all(() => undo.undo())) && (await all(() => undo.redo())));
        undo.destroy()
      }),
  },
  'deep-xml': {
    title:
      'a writer nests elements 480 levels deep, five chains in an update, which is just not tried, and deletes them',
    run: (scene) =>
      edit(scene, async (desk) => {
        const root = desk.doc.getXmlFragment('page')
        await repeat(desk, 400, (step) => {
          if (step % 2 === 1) return root.delete(0, root.length)
          for (let chain = 0; chain < 5; chain++) {
            let parent: Y.XmlFragment = root
            for (let depth = 0; depth < 480; depth++) {
              const element = new Y.XmlElement('p')
              parent.insert(0, [element])
              element.setAttribute(`attribute ${depth}`, 'x'.repeat(20))
              parent = element
            }
          }
        })
      }),
  },
  'huge-keys': {
    title: 'three writers make keys of 500 KB without a pause: fields of a map, attributes, and names of roots',
    run: async (scene) => {
      // One writer for each kind: the refusal of one ends no other.
      await Promise.all([0, 1, 2].map((kind) => makeHugeKeys(scene, kind)))
    },
  },
  'format-storm': {
    title: 'a writer formats overlapping stretches of a text of 20,000 letters without a pause',
    run: (scene) =>
      edit(scene, async (desk) => {
        const text = desk.doc.getText('text')
        text.insert(0, 'x'.repeat(20_000))
        await repeat(desk, 2_000, (step) => {
          for (let at = 0; at < 20; at++) {
            const from = (step * 7_919 + at * 911) % 19_000
            text.format(from, 500, { [`f${at % 7}`]: step % 5 === 0 ? null : step })
          }
        })
      }),
  },
  'last-clocks': {
    title: 'a writer uses the last clocks of clients, in updates that each use them up',
    run: async (scene) => {
      for (let round = 0; !scene.isOver; round++) {
        const socket = await scene.enter({ workspace: `${scene.workspace}-${round}`, isJoinery: true })
        if (socket === undefined) continue
        for (let client = 1; client < 200; client++) {
          const last = [2 ** 31 - 2, 2 ** 31 - 1, 2 ** 32 - 2, 2 ** 53 - 2][client % 4] as number
          const update = new OddUpdate(client)
          if (client % 2 === 0) update.hole('gc', last)
          update.text('last', { parent: 'text' })
          if (!(await scene.send(socket, encodeUpdate(update.bytes([[last - 1, 1]]))))) break
        }
        await scene.pause(50)
        socket.terminate()
      }
    },
  },
  'values-allowed': {
    title: 'five writers send lists of as many small values as are allowed in one struct, in workspace after workspace',
    run: async (scene) => {
      const frame = encodeUpdate(manyValues(CLIENT, 1_190_000))
      await fiveAtOnce(scene, frame)
    },
  },
  'values-held': {
    title:
      'a writer fills one workspace after the other with as many small values as are allowed, and keeps all of them in use',
    run: async (scene) => {
      const frame = encodeUpdate(manyValues(CLIENT, 1_190_000))
      const enterNext = async (number: number): Promise<void> => {
        const socket = await scene.enter({ workspace: `${scene.workspace}-${number}`, isJoinery: true })
        if (socket === undefined || !(await scene.send(socket, frame))) return
        const doc = new Y.Doc()
        doc.on('update', (update: Uint8Array) => void scene.send(socket, encodeUpdate(update)))
        for (; !scene.isOver && socket.readyState === socket.OPEN; await scene.pause(500))
          doc.getText('text').insert(0, 'x')
      }
      const held: Promise<void>[] = []
      for (let number = 0; !scene.isOver && number < 60; number++, await scene.pause(150)) held.push(enterNext(number))
      await Promise.all(held)
    },
  },
  'texts-allowed': {
    title: 'five writers paste 8 MB of text at once, in workspace after workspace',
    run: async (scene) => {
      const text = new OddUpdate(CLIENT)
      text.text('x'.repeat(8_000_000), { parent: 'text' })
      await fiveAtOnce(scene, encodeUpdate(text.bytes()))
    },
  },
} satisfies Record<string, Attack>
