import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createBlock, getBlock, listBlocks, listEdges } from '../index.ts'
import { ADA, rulesOf, serverAnd } from '../testing/rules-fixture.ts'
import { gcUpdate, USER } from '../testing/test-docs.ts'

test('[B36] types nested over 500 levels and values over 500 are refused, in one update or piece by piece', () => {
  const nested = (levels: number): Uint8Array => {
    const doc = new Y.Doc()
    let map = doc.getMap('blocks')
    doc.transact(() => {
      for (let i = 0; i < levels; i++) map = map.set('n', new Y.Map())
    })
    return Y.encodeStateAsUpdate(doc)
  }
  expect(rulesOf(new Y.Doc()).inspect(nested(500), ADA)).toBeUndefined()
  expect(rulesOf(new Y.Doc()).inspect(nested(501), ADA)?.code).toBe('too_deep')
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
  for (let i = 0; i < 502; i++) map = map.set('n', new Y.Map())
  expect(codes.indexOf('too_deep')).toBe(500)
  // The types that passed can be read and deleted, with stack to spare.
  expect(JSON.stringify(server.getMap('root').toJSON())).toContain('n')
  server.getMap('root').delete('n')
  const value = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
  for (const [levels, code] of [
    [120, undefined],
    [500, undefined],
    [510, 'too_deep'],
    [5_000, 'too_deep'],
  ] as const) {
    const deep = new Y.Doc()
    deep.getMap('m').set('v', value(levels))
    const embed = new Y.Doc()
    // JSON.stringify itself overflows the stack at 5,000 levels.
    embed.getText('t').insertEmbed(0, { v: value(Math.min(levels, 1_000) - 1) } as object)
    for (const each of [deep, embed])
      expect(rulesOf(new Y.Doc()).inspect(Y.encodeStateAsUpdate(each), ADA)?.code).toBe(code)
  }
})

const ODD_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']

test('[B37] any key passes as map key, root name, attribute or deep in a value, and reaches no prototype', () => {
  const shapes: ((doc: Y.Doc, key: string) => unknown)[] = [
    (doc, key) => doc.getMap('m').set(key, { isAdmin: true }),
    (doc, key) => doc.getMap(key).set('a', 1),
    (doc, key) => doc.getMap('blocks').set(key, new Y.Map([[key, new Y.Text('x')]])),
    (doc, key) => doc.getMap('edges').set(key, { source: 'a', target: 'b' }),
    (doc, key) => doc.getText('t').insert(0, 'x', { [key]: true }),
    (doc, key) => doc.getMap('m').set('v', [{ a: JSON.parse(`{"${key}":{"isAdmin":true}}`) as unknown }]),
    (doc, key) => doc.getText('t').insertEmbed(0, { a: JSON.parse(`{"${key}":{"isAdmin":true}}`) as unknown }),
    (doc, key) => doc.getXmlFragment('x').insert(0, [new Y.XmlElement(key)]),
    (doc, key) => createBlock(doc, 'b1', { type: 'text' }).data.set(key, [{ [key]: 1 }]),
  ]
  for (const key of ODD_KEYS) {
    for (const shape of shapes) {
      const [doc, server] = [new Y.Doc(), new Y.Doc()]
      shape(doc, key)
      expect(rulesOf(server).inspect(Y.encodeStateAsUpdate(doc), ADA)).toBeUndefined()
      Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
      rulesOf(server).encodeAuthors()
      JSON.stringify([listBlocks(server).map((block) => block.toJSON()), listEdges(server), server.toJSON()])
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    }
  }
})

test('[B37] a claim that inherits its properties through a key is no claim', () => {
  const { doc, codes, server } = serverAnd(ADA)
  const list = createBlock(doc, 'b1', { type: 'text' }).map.get('indexingList') as Y.Array<unknown>
  const claim = {
    index_name: 'a',
    run: { no: 1, id: 'r', source: 'workflow_execution' },
    status: 'done',
    source: 'workflow_execution',
    actor: 'robot',
    at: 1,
  }
  list.push([JSON.parse(`{"__proto__":${JSON.stringify(claim)}}`)])
  const { run, ...rest } = { ...claim, source: 'user_action', actor: 'ada' }
  list.push([{ ...rest, run: JSON.parse(`{"__proto__":${JSON.stringify(run)}}`) as unknown }])
  expect(codes.at(-1)).toBe('bad_claim')
  expect(getBlock(server, 'b1')?.indexingList.entries()).toEqual([])
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
    gcUpdate(7, 0, 2 ** 31),
    gcUpdate(7, 0, 0),
    gcUpdate(2 ** 53, 0, 1),
    gcUpdate(2 ** 53 + 2, 0, 1),
  ]
  for (const update of hostile) expect(rulesOf(server).inspect(update, ADA)?.code).toBe('bad_update')
  expect(rulesOf(server).inspect(gcUpdate(2 ** 53 - 1, 0, 1), ADA)).toBeUndefined()
})

test('[B38] an update may bring many client ids as long as the document stays quick to edit, and a few always', () => {
  const crowd = (from: number, count: number): Uint8Array => {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, count)
    for (let client = from; client < from + count; client++) {
      for (const number of [1, client, 0, 0, 1]) encoding.writeVarUint(encoder, number)
    }
    encoding.writeVarUint(encoder, 0)
    return encoding.toUint8Array(encoder)
  }
  const server = new Y.Doc()
  // With keys, each actor's client ids are counted, too: see B64.
  const anybody = { ...ADA, isAuthenticated: false }
  expect(rulesOf(server).inspect(crowd(1, 80_000), anybody)?.code).toBe('bad_update')
  expect(rulesOf(server).inspect(crowd(1, 49_000), anybody)).toBeUndefined()
  Y.applyUpdate(server, crowd(1, 49_000))
  expect(rulesOf(server).inspect(crowd(100_000, 1_500), anybody)?.code).toBe('bad_update')
  expect(rulesOf(server).inspect(crowd(100_000, 1_000), anybody)).toBeUndefined()
  Y.applyUpdate(server, crowd(100_000, 1_000))
  expect(rulesOf(server).inspect(crowd(200_000, 900), anybody)).toBeUndefined()
  // Text that was typed and deleted for years: long runs of empty clocks cost nothing.
  expect(rulesOf(server).inspect(gcUpdate(300_000, 0, 2 ** 30), ADA)).toBeUndefined()
})

test('[B51] a number in JSON text that every replica would round is refused, others pass', () => {
  const embed = (json: string): string | undefined => {
    const doc = new Y.Doc()
    doc.getText('t').insertEmbed(0, { n: 'PLACE' })
    const bytes = Buffer.from(Y.encodeStateAsUpdate(doc))
    const before = Buffer.from('{"n":"PLACE"}')
    const at = bytes.indexOf(before)
    const after = Buffer.from(`{"n":${json}}`)
    const update = Buffer.concat([
      bytes.subarray(0, at - 1),
      Buffer.of(after.length),
      after,
      bytes.subarray(at + before.length),
    ])
    return rulesOf(new Y.Doc()).inspect(update, ADA)?.code
  }
  for (const rounded of ['9007199254740993', '-9007199254740993', '[1, 12345678901234567890]', `1${'1'.repeat(400)}`])
    expect(embed(rounded), rounded).toBe('bad_update')
  const exact = ['9007199254740991', '9007199254740992', '"9007199254740993"', '"a\\"9007199254740993"', '1e300']
  for (const json of [...exact, '0.12345678901234567890', '1.5e-7', 'true']) expect(embed(json), json).toBeUndefined()
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
