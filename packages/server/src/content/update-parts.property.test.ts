import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { lackingSpans } from './lacking-spans.ts'
import { AT_ONCE, doAll } from './steps.ts'
import { readSpans } from './struct-spans.ts'
import { splittingSpans, splitUpdate } from './update-parts.ts'

const RUNS = process.env.JOINERY_NIGHTLY === undefined ? 200 : 20_000
const CLIENTS = 4

const step = fc.record({
  who: fc.nat(CLIENTS - 1),
  does: fc.constantFrom('type', 'delete', 'list', 'nest', 'mark', 'bytes', 'xml', 'json', 'doc', 'undo', 'sync'),
  at: fc.nat(1_000),
  text: fc.oneof(
    { weight: 9, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) },
    // A paste: one struct that is larger than a part.
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 100, maxLength: 600 }) },
  ),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Clients that edit all kinds of types and see each other's edits at random moments. Returns everything as one update. */
function history(steps: readonly Step[]): Uint8Array {
  const docs = Array.from({ length: CLIENTS }, (_, at) => {
    const doc = new Y.Doc()
    doc.clientID = 1_000 + at
    return doc
  })
  for (const { who, does, at, text } of steps) {
    const doc = docs[who] as Y.Doc
    const [content, list, map] = [doc.getText('t'), doc.getArray<unknown>('a'), doc.getMap<unknown>('m')]
    const place = at % (content.length + 1)
    if (does === 'type') content.insert(place, text)
    else if (does === 'delete') content.delete(place, Math.min(3, content.length - place))
    else if (does === 'list')
      list.insert(
        at % (list.length + 1),
        Array.from({ length: 1 + (at % 40) }, () => [at, text, null, { text }]).flat(),
      )
    else if (does === 'nest') map.set(`k${at % 5}`, new Y.Map([['text', new Y.Text(text)]]))
    else if (does === 'mark') content.format(place, content.length - place, { [text]: at })
    else if (does === 'bytes') list.push([new Uint8Array(at % 50)])
    else if (does === 'xml') doc.getXmlFragment('x').insert(0, [new Y.XmlElement(`e${at % 3}`), new Y.XmlText(text)])
    else if (does === 'json') content.insertEmbed(place, { text })
    else if (does === 'doc') map.set('sub', new Y.Doc({ guid: text }))
    else if (does === 'undo') map.delete(`k${at % 5}`)
    else for (const other of docs) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)))
  }
  return Y.mergeUpdates(docs.map((doc) => Y.encodeStateAsUpdate(doc)))
}

it('[S95] the parts of an update, applied in order, are the update, and each is integrated when it comes', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 150 }),
      fc.integer({ min: 20, max: 2_000 }),
      (steps, bytesMax) => {
        const update = history(steps)
        const whole = new Y.Doc()
        Y.applyUpdate(whole, update)
        const inParts = new Y.Doc()
        const parts = splitUpdate(update, bytesMax)
        for (const part of parts) {
          Y.applyUpdate(inParts, part)
          expect(inParts.store.pendingStructs).toBeNull()
        }
        expect(Y.encodeStateVector(inParts)).toEqual(Y.encodeStateVector(whole))
        expect(Y.encodeStateAsUpdate(inParts)).toEqual(Y.encodeStateAsUpdate(whole))
        // The last part has the deletions. Some structs can't be cut.
        for (const part of parts.slice(0, -1)) {
          const { length } = Y.decodeUpdate(part).structs
          if (length > 1) expect(part.length).toBeLessThanOrEqual(bytesMax + 16 * CLIENTS)
        }
      },
    ),
    { numRuns: RUNS },
  )
})

it('[S95] a pasted text, and a long list, are cut into parts of about the size that is asked for', () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'Anfang')
  doc.getText('t').insert(3, 'ü漢𝒳'.repeat(50_000))
  doc.getArray('a').push(Array.from({ length: 50_000 }, (_, n) => ({ n })))
  const parts = splitUpdate(Y.encodeStateAsUpdate(doc), 10_000)
  for (const part of parts) expect(part.length).toBeLessThan(15_000)
  const copy = new Y.Doc()
  for (const part of parts) Y.applyUpdate(copy, part)
  expect(Y.encodeStateAsUpdate(copy)).toEqual(Y.encodeStateAsUpdate(doc))
})

it('[S95] an update that builds on structs of elsewhere is split as well', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 2, maxLength: 60 }),
      fc.array(step, { minLength: 2, maxLength: 60 }),
      (before, after) => {
        const [known, all] = [history(before), history([...before, ...after])]
        const update = Y.diffUpdate(all, Y.encodeStateVectorFromUpdate(known))
        const [whole, inParts] = [new Y.Doc(), new Y.Doc()]
        Y.applyUpdate(whole, update)
        for (const part of splitUpdate(update, 50)) Y.applyUpdate(inParts, part)
        for (const doc of [whole, inParts]) Y.applyUpdate(doc, known)
        expect(Y.encodeStateAsUpdate(inParts)).toEqual(Y.encodeStateAsUpdate(whole))
      },
    ),
    { numRuns: RUNS },
  )
})

it('[S95] deletions in many ranges are cut, too, and parts of a bounded number of structs have that many', () => {
  const range = fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 3 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(range, { maxLength: 80 }), (steps, ranges) => {
      const encoder = encoding.createEncoder()
      for (const number of [0, 1, 1_000, ranges.length, ...ranges.flat()]) encoding.writeVarUint(encoder, number)
      const update = Y.mergeUpdates([history(steps), encoding.toUint8Array(encoder)])
      const [whole, inParts] = [new Y.Doc(), new Y.Doc()]
      Y.applyUpdate(whole, update)
      for (const part of splitUpdate(update, 64, 10)) {
        Y.applyUpdate(inParts, part)
        const { structs, ds } = Y.decodeUpdate(part)
        expect(structs.length).toBeLessThanOrEqual(20)
        for (const deleted of ds.clients.values()) expect(deleted.length).toBeLessThanOrEqual(20)
      }
      expect(Y.encodeStateAsUpdate(inParts)).toEqual(Y.encodeStateAsUpdate(whole))
    }),
    { numRuns: RUNS },
  )
})

it('[S27] the parts of an update that a reader lacks are what Yjs’ own difference is, wherever the reader’s clocks stand', () => {
  const anywhere = fc.array(fc.double({ min: 0, max: 1.2, noNaN: true }), { minLength: CLIENTS, maxLength: CLIENTS })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), anywhere, (steps, shares) => {
      const update = history(steps)
      const known = new Map<number, number>()
      for (const [client, end] of Y.decodeStateVector(Y.encodeStateVectorFromUpdate(update)))
        known.set(client, Math.floor(end * (shares[client % CLIENTS] as number)))
      const lacking = doAll(lackingSpans({ update, spans: readSpans(update) }, known, AT_ONCE))
      const parts = doAll(splittingSpans(lacking.update, lacking.spans, { bytesMax: 1_000_000 }, AT_ONCE))
      const diff = Y.diffUpdate(update, Y.encodeStateVector(known))
      expect(parts.map(structsOf)).toEqual([structsOf(diff)])
    }),
    { numRuns: RUNS },
  )
})

function structsOf(update: Uint8Array): unknown {
  const { structs, ds } = Y.decodeUpdate(update)
  const items = structs.filter((struct) => !(struct instanceof Y.Skip))
  items.sort((a, b) => a.id.client - b.id.client || a.id.clock - b.id.clock)
  return [items.map((item) => [item.id, encoded(item)]), ds]
}

/** Bytes, since a subdocument draws another client id each time that it is read. */
function encoded(struct: Y.Item | Y.GC | Y.Skip): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  struct.write(encoder, 0)
  return encoder.toUint8Array()
}
