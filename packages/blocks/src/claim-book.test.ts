import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { type Block, changeFields, forkDoc, getBlock, type Source } from './index.ts'
import { docWithBlock, USER, WORKFLOW } from './testing/test-docs.ts'

const INDEXES = ['alpha', 'beta', 'gamma']
const SOURCES: readonly Source[] = ['user_action', 'workflow_execution', 'polling_sync']

/** Numbers that choose the write and its place. */
const aWrite = fc.record({ kind: fc.nat(10), index: fc.constantFrom(...INDEXES), n: fc.nat(255) })
type Write = typeof aWrite extends fc.Arbitrary<infer W> ? W : never

/** Ways to write in one transaction: by this package, by stock code on the bare list, by another replica's update. */
const WRITES: readonly ((block: Block, write: Write) => void)[] = [
  ({ indexingList }, { index, n }) => {
    const author = { source: SOURCES[n % 3] ?? 'user_action', actor: `actor ${n % 5}`, at: n }
    const standing = indexingList.get(index)
    if (standing !== undefined && standing.run.no > 0 && n % 2 === 0)
      indexingList.report(index, standing.run, 'done', author)
    else indexingList.report(index, { no: 1 + (n % 3), id: `run ${n % 4}`, source: author.source }, 'error', author)
  },
  ({ indexingList }, { index }) => void indexingList.startRun(index, USER),
  ({ indexingList }, { index }) => void indexingList.remove(index),
  ({ map }, { index, n }) => listOf(map).push([{ index_name: index, status: 'processing', timestamp: n }, { junk: n }]),
  ({ map }, { index, n }) => listOf(map).insert(n % (listOf(map).length + 1), [{ index_name: index, status: 'done' }]),
  ({ map }, { n }) => {
    const list = listOf(map)
    if (list.length > 0) list.delete(n % list.length)
  },
  ({ map }, { index, n }) => {
    const entry = new Y.Map<unknown>()
    listOf(map).insert(n % (listOf(map).length + 1), [entry])
    entry.set('index_name', index)
    entry.set('status', n % 2 === 0 ? 'done' : 'error')
  },
  ({ map }, { index }) => {
    for (const item of listOf(map)) if (item instanceof Y.Map) item.set('index_name', index)
  },
  ({ map }, { index, n }) => {
    const { doc } = map
    if (doc === null) return
    const other = forkDoc(doc)
    getBlock(other, 'b1')?.indexingList.report(index, { no: 9, id: 'there', source: 'polling_sync' }, 'done', WORKFLOW)
    if (n % 4 === 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)))
  },
  (block, { n }) => block.content.insert(0, String(n)),
  (block, { n }) => changeFields(block, { [`k${n % 4}`]: n, [`k${n % 3}`]: n % 5 === 0 ? undefined : n }, USER),
]

function listOf(map: Y.Map<unknown>): Y.Array<unknown> {
  const list = map.get('indexingList')
  if (!(list instanceof Y.Array)) throw new Error('the list is gone')
  return list
}

test('[B16] an open transaction reads what anybody has written in it, key by key as in one look at all', () => {
  // Yjs takes another client id after a transaction in which an update was applied, and prints a warning.
  using _quiet = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  fc.assert(
    fc.property(fc.array(aWrite, { maxLength: 5 }), fc.array(aWrite, { maxLength: 30 }), (before, inside) => {
      const { doc, block } = docWithBlock()
      for (const write of before) WRITES[write.kind]?.(block, write)
      doc.transact(() => {
        for (const write of inside) {
          WRITES[write.kind]?.(block, write)
          // entries() reads the list itself; get() reads the book of the transaction.
          const entries = INDEXES.flatMap((index) => block.indexingList.get(index) ?? [])
          expect(entries).toEqual(block.indexingList.entries())
          const fields = block.fields.entries().map(({ key, value }) => [key, value])
          expect(
            ['k0', 'k1', 'k2', 'k3'].flatMap((key) =>
              block.fields.get(key) === undefined ? [] : [[key, block.fields.get(key)]],
            ),
          ).toEqual(fields)
        }
      })
      const loaded = getBlock(forkDoc(doc), 'b1')
      expect(block.toJSON()).toEqual(loaded?.toJSON())
    }),
    { numRuns: 150 },
  )
})

test('[B16] a transaction of thousands of statuses reads its list a bounded number of times', () => {
  const { doc, block } = docWithBlock()
  const list = listOf(block.map)
  let walks = 0
  const start = Object.getOwnPropertyDescriptor(list, '_start')
  let first: unknown = start?.value
  Object.defineProperty(list, '_start', {
    get: () => {
      walks++
      return first
    },
    set: (item: unknown) => {
      first = item
    },
  })
  doc.transact(() => {
    for (let n = 0; n < 2_000; n++) {
      const run = block.indexingList.startRun(`index ${n}`, WORKFLOW)
      block.indexingList.report(`index ${n}`, run, 'done', WORKFLOW)
    }
  })
  expect(walks).toBeLessThan(20)
  expect(block.indexingList.entries()).toHaveLength(2_000)
})
