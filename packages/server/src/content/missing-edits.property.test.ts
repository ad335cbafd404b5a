import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { missingFor } from './missing-edits.ts'
import { formatOfUpdate } from './update-format.ts'

/** Edits by three clients that see each other's edits, each one update: text, nested types, keys and deletions. */
const story = fc.array(fc.record({ client: fc.integer({ min: 1, max: 3 }), kind: fc.nat(5), at: fc.nat(20) }), {
  minLength: 1,
  maxLength: 14,
})

function updatesOf(edits: readonly { client: number; kind: number; at: number }[]): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const text = doc.getText('t')
  const xml = doc.getXmlFragment('x')
  for (const { client, kind, at } of edits) {
    doc.clientID = client
    const [first] = xml.toArray()
    if (kind === 0) doc.getMap('m').set(`k${at % 3}`, new Y.Map([['deep', at]]))
    else if (kind === 1) xml.insert(0, [new Y.XmlElement('p')])
    else if (kind === 2 && first instanceof Y.XmlElement) first.insert(0, [new Y.XmlText(`${at}`)])
    else if (kind === 3 && text.length > 0) text.delete(at % text.length, 1)
    else if (kind === 4 && text.length > 0) text.format(at % text.length, 1, { bold: true })
    else text.insert(Math.min(at, text.length), 'ab')
  }
  return updates
}

it('[S110] an update is said to build on missing edits exactly when a document would have to let a part of it wait', () => {
  const known = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 })
  fc.assert(
    fc.property(story, fc.nat(14), known, (edits, had, isSent) => {
      const updates = updatesOf(edits)
      const doc = new Y.Doc()
      for (const update of updates.slice(0, had)) Y.applyUpdate(doc, update)
      const sent = updates.filter((_, at) => isSent[at])
      if (sent.length === 0) return
      const update = Y.mergeUpdates(sent)
      const missing = missingFor(doc, update)
      Y.applyUpdate(doc, update)
      const waits = doc.store.pendingStructs !== null || doc.store.pendingDs !== null
      expect(missing !== undefined).toBe(waits)
    }),
    { numRuns: 500 },
  )
})

it('[S111] the encoding of an update is told by its bytes, and cut or lengthened bytes are none', () => {
  fc.assert(
    fc.property(story, fc.nat(1_000), (edits, at) => {
      const doc = new Y.Doc()
      for (const update of updatesOf(edits)) Y.applyUpdate(doc, update)
      const [v1, v2] = [Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdateV2(doc)]
      expect(formatOfUpdate(v1)).toBe('v1')
      // About one V2 update in ten thousand reads as a V1 update that only deletes, too.
      expect(['v2', 'both']).toContain(formatOfUpdate(v2))
      expect(formatOfUpdate(v1.subarray(0, at % v1.length))).toBeUndefined()
      expect(formatOfUpdate(Buffer.concat([v1, Buffer.from([0])]))).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})

it('[S111] an empty document is told in either encoding', () => {
  const doc = new Y.Doc()
  expect(formatOfUpdate(Y.encodeStateAsUpdate(doc))).toBe('v1')
  expect(formatOfUpdate(Y.encodeStateAsUpdateV2(doc))).toBe('v2')
  expect(formatOfUpdate(new Uint8Array())).toBeUndefined()
})

it('[S111] a V2 update of a few bytes that stands for more structs than fit into memory is told as none', () => {
  const encoder = new Y.UpdateEncoderV2()
  for (const number of [1, 2 ** 40]) encoding.writeVarUint(encoder.restEncoder, number)
  encoder.writeClient(7)
  encoding.writeVarUint(encoder.restEncoder, 0)
  encoder.writeInfo(0)
  encoder.writeLen(1)
  encoding.writeVarUint(encoder.restEncoder, 0)
  const update = encoder.toUint8Array()
  expect(update.length).toBeLessThan(50)
  expect(formatOfUpdate(update)).toBeUndefined()
})
