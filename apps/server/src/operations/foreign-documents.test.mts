import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { asV1, convertDocuments, DocumentFault } from './foreign-documents.mts'

function docWith(text: string): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text, { bold: true })
  doc.getText('t').delete(0, 1)
  doc.getMap('m').set('key', new Y.Array())
  return doc
}

it('[A55] a V2 update becomes the same document in V1, and other bytes are a fault that names them', () => {
  const doc = docWith('kept')
  const copy = new Y.Doc()
  Y.applyUpdate(copy, asV1(Y.encodeStateAsUpdateV2(doc), 'a.bin'))
  expect(Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(doc))).toBe(true)
  expect(copy.getText('t').toDelta()).toEqual(doc.getText('t').toDelta())
  expect(() => asV1(Buffer.from('words'), 'b.bin')).toThrow('b.bin is not one whole Yjs update (5 bytes)')
})

it('[A55] a document that can not be read keeps all others from being imported, and all such are named', async () => {
  async function* stored() {
    yield new DocumentFault('a.bin is no update')
    yield { name: 'demo', updates: [Y.encodeStateAsUpdate(docWith('x'))] }
    yield new DocumentFault('c.bin is no update')
  }
  const converted: string[] = []
  const all = async () => {
    for await (const { workspace } of convertDocuments('import', stored(), false)) converted.push(workspace)
  }
  await expect(all()).rejects.toThrow('nothing was imported: a.bin is no update; c.bin is no update')
  expect(converted).toEqual(['demo'])
})
