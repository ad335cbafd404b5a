import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createBlock } from '../index.ts'
import { gcUpdate, USER } from '../test-docs.ts'
import { ADA, rulesOf } from './rules-fixture.ts'

test('[B36] types nested over 100 levels and values over 64 are refused, in one update or piece by piece', () => {
  const nested = (levels: number): Uint8Array => {
    const doc = new Y.Doc()
    let map = doc.getMap('blocks')
    doc.transact(() => {
      for (let i = 0; i < levels; i++) map = map.set('n', new Y.Map())
    })
    return Y.encodeStateAsUpdate(doc)
  }
  expect(rulesOf(new Y.Doc()).inspect(nested(100), ADA)).toBeUndefined()
  expect(rulesOf(new Y.Doc()).inspect(nested(101), ADA)?.code).toBe('too_deep')
  expect(rulesOf(new Y.Doc()).inspect(nested(3_000), ADA)?.code).toBe('too_deep')
  const doc = new Y.Doc()
  const server = new Y.Doc()
  const codes: (string | undefined)[] = []
  doc.on('update', (update: Uint8Array) => {
    const refusal = rulesOf(server).inspect(update, ADA)
    codes.push(refusal?.code)
    if (refusal === undefined) Y.applyUpdate(server, update)
  })
  let map = doc.getMap('root')
  for (let i = 0; i < 102; i++) map = map.set('n', new Y.Map())
  expect(codes.indexOf('too_deep')).toBe(100)
  const deep = new Y.Doc()
  deep.getMap('m').set('v', JSON.parse(`${'['.repeat(70)}${']'.repeat(70)}`))
  expect(rulesOf(new Y.Doc()).inspect(Y.encodeStateAsUpdate(deep), ADA)?.code).toBe('too_deep')
})

test('[B37] a forbidden key is refused as map key, root name, attribute or deep in a value', () => {
  const attempts: ((doc: Y.Doc) => unknown)[] = [
    (doc) => doc.getMap('m').set('__proto__', 1),
    (doc) => doc.getMap('constructor').set('a', 1),
    (doc) => doc.getText('t').insert(0, 'x', { prototype: true }),
    (doc) => doc.getMap('m').set('v', [{ a: JSON.parse('{"__proto__":1}') as unknown }]),
    (doc) => doc.getText('t').insertEmbed(0, { a: JSON.parse('{"__proto__":1}') as unknown }),
  ]
  for (const attempt of attempts) {
    const doc = new Y.Doc()
    attempt(doc)
    expect(rulesOf(new Y.Doc()).inspect(Y.encodeStateAsUpdate(doc), ADA)?.code).toBe('forbidden_key')
  }
})

test('[B38] bytes that no Yjs client writes are refused without harm', () => {
  const server = new Y.Doc()
  const honest = new Y.Doc()
  createBlock(honest, 'b1', { type: 'text' }).content.insert(0, 'some text')
  const bytes = Y.encodeStateAsUpdate(honest)
  const hostile = [
    Uint8Array.of(),
    Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 255, 255),
    Y.encodeStateAsUpdateV2(honest),
    bytes.subarray(0, bytes.length - 3),
    Uint8Array.of(...bytes, 0),
    gcUpdate(7, 0, 2 ** 52),
    gcUpdate(7, 0, 20_000_000),
    gcUpdate(7, 0, 0),
  ]
  for (const update of hostile) expect(rulesOf(server).inspect(update, ADA)?.code).toBe('bad_update')
  const crowd = Array.from({ length: 1_100 }, (_, i) => gcUpdate(i + 1, 0, 1))
  expect(rulesOf(server).inspect(Y.mergeUpdates(crowd), ADA)?.code).toBe('bad_update')
})

test('[B38] flipped bytes of an honest update are refused, or can be applied and loaded again; inspect never throws', () => {
  const honest = new Y.Doc()
  const block = createBlock(honest, 'b1', { type: 'text' })
  block.content.insert(0, 'some text')
  block.indexingList.startRun('alpha', USER)
  const bytes = Y.encodeStateAsUpdate(honest)
  let passed = 0
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x10, 0x80, 0xff]) {
      const mutated = bytes.slice()
      mutated[at] = (mutated[at] ?? 0) ^ flip
      const doc = new Y.Doc()
      if (rulesOf(doc).inspect(mutated, ADA) !== undefined) continue
      passed += 1
      Y.applyUpdate(doc, mutated)
      Y.applyUpdate(new Y.Doc(), Y.encodeStateAsUpdate(doc))
    }
  }
  // Flips inside the text are as good as what was typed.
  expect(passed).toBeGreaterThan(0)
})
