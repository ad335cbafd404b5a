import { describe, expect, it } from 'vitest'
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
    for await (const { workspace } of convertDocuments('import', stored(), { isMending: false, keepsStatuses: false }))
      converted.push(workspace)
  }
  await expect(all()).rejects.toThrow('nothing was imported: a.bin is no update; c.bin is no update')
  expect(converted).toEqual(['demo'])
})

describe('a status of a resource', () => {
  const claim = {
    machine: 'payment@1',
    name: 'o-7',
    run: { no: 1, id: 'r1', source: 'user_action' },
    status: 'captured',
    source: 'provider',
    actor: 'ada',
    at: 1,
  }
  const waiting = (): Uint8Array => {
    const doc = docWith('x')
    const before = Y.encodeStateVector(doc)
    doc.getMap('blocks').set('b', [claim])
    return Y.encodeStateAsUpdate(doc, before)
  }
  const updates: Readonly<Record<string, () => Uint8Array>> = {
    'in a list': () => {
      const doc = docWith('x')
      doc.getMap('blocks').set('b', new Y.Map([['statuses', Y.Array.from([1, claim])]]))
      return Y.encodeStateAsUpdate(doc)
    },
    'in a plain array': () => {
      const doc = docWith('x')
      doc.getMap('blocks').set('b', new Y.Map([['statuses', [claim]]]))
      return Y.encodeStateAsUpdate(doc)
    },
    'in an embed': () => {
      const doc = docWith('x')
      doc.getText('t').insertEmbed(0, claim)
      return Y.encodeStateAsUpdate(doc)
    },
    'in edits that wait for others': waiting,
  }
  const convert = async (update: Uint8Array, keepsStatuses: boolean): Promise<string[]> => {
    async function* stored() {
      yield { name: 'shop', updates: [update] }
    }
    const converted = convertDocuments('import', stored(), { isMending: false, keepsStatuses })
    return Array.fromAsync(converted, ({ workspace }) => workspace)
  }

  it.each(Object.keys(updates))(
    '[A81] %s keeps a document from being imported, unless the operator trusts it',
    async (how) => {
      const update = updates[how]?.() ?? new Uint8Array()
      await expect(convert(update, false)).rejects.toThrow(
        'document shop says that payment@1 "o-7" is captured, and nobody has checked who said it: give --keep-statuses',
      )
      expect(await convert(update, true)).toEqual(['shop'])
    },
  )

  it('[A81] values that are no status of a machine are imported', async () => {
    const doc = docWith('x')
    doc.getArray('machines').push([{ machine: 'lathe', run: 3 }, { machine: 'file@1' }, null, 'file@1'])
    expect(await convert(Y.encodeStateAsUpdate(doc), false)).toEqual(['shop'])
  })
})
