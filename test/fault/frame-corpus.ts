import { encodeAwareness, encodeSyncStep1, encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { type Random, randomBelow } from '../support/seeded-random.ts'

/** Frames as real clients send them: every kind of message, every kind of Yjs content. */
export function makeCorpus(): Uint8Array[] {
  const doc = new Y.Doc()
  doc.clientID = 7
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const text = doc.getText('content')
  text.insert(0, 'a person types')
  text.insert(8, 'Ünïcödé 😀 ')
  text.format(0, 4, { bold: true })
  text.delete(2, 5)
  text.insertEmbed(3, { image: 'cat.png' })
  const block = new Y.Map<unknown>()
  doc.getMap('blocks').set('b1', block)
  block.set('content', new Y.Text('nested'))
  block.set('indexingList', Y.Array.from([{ index_name: 'i1', status: 'done' }, null, 1.5, 'text', new Uint8Array(9)]))
  doc.getMap('edges').set('e1', { source: 'b1', target: 'b2', weight: [1, 2, { deep: 'value' }] })
  doc.getMap('edges').delete('e1')
  doc.getXmlFragment('page').push([new Y.XmlElement('p'), new Y.XmlText('marked up')])
  doc.getMap('children').set('sub', new Y.Doc({ guid: 'a subdocument' }))
  const awareness = new Awareness(doc)
  awareness.setLocalState({ user: { name: 'Ada', colour: '#aabbcc' }, cursor: { anchor: 3, head: 9 } })
  const frames = [
    encodeSyncStep1(Y.encodeStateVector(doc)),
    encodeSyncStep2(Y.encodeStateAsUpdate(doc)),
    ...updates.map(encodeUpdate),
    encodeUpdate(Y.mergeUpdates(updates)),
    encodeAwareness(encodeAwarenessUpdate(awareness, [doc.clientID])),
    Uint8Array.of(3),
  ]
  awareness.destroy()
  doc.destroy()
  return frames
}

/** Values at which a decoder's arithmetic changes. */
const TELLING_BYTES = [0, 1, 2, 3, 7, 16, 31, 63, 64, 127, 128, 129, 192, 254, 255]
const EDITS_MAX = 4

/** One to four random changes: bytes altered, dropped, doubled or put in, the end cut, another frame's tail put on. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = () => corpus[randomBelow(random, corpus.length)] ?? new Uint8Array(0)
  let bytes: number[] = [...pick()]
  for (let edits = 1 + randomBelow(random, EDITS_MAX); edits > 0; edits--) {
    const at = randomBelow(random, bytes.length + 1)
    const byte =
      random() < 0.5 ? randomBelow(random, 256) : (TELLING_BYTES[randomBelow(random, TELLING_BYTES.length)] ?? 0)
    const kinds: readonly (() => number[])[] = [
      () => bytes.with(Math.min(at, bytes.length - 1), byte),
      () => bytes.toSpliced(at, 1 + randomBelow(random, 4)),
      () => bytes.toSpliced(at, 0, byte),
      () => bytes.toSpliced(at, 0, 255, 255, 255, 255, byte & 127),
      () => bytes.slice(0, at),
      () => [...bytes.slice(0, at), ...bytes.slice(at - randomBelow(random, 16))],
      () => [...bytes.slice(0, at), ...[...pick()].slice(at)],
    ]
    // Nothing is left to alter: start again with random bytes.
    bytes = bytes.length === 0 ? [byte] : (kinds[randomBelow(random, kinds.length)]?.() ?? bytes)
  }
  return Uint8Array.from(bytes)
}
