import * as Y from 'yjs'
import { createBlock, getBlock, type IndexingRun, listBlocks } from '../src/index.ts'

/** Measures the cost of statuses: `node packages/blocks/bench/growth.ts [writes]`. */
const WRITES = Number(process.argv[2] ?? 10_000)

for (const writers of [1, 3, 10]) growth(writers)
reading()
skeletons()

/** Bytes of the encoded document per status. The writers take turns one by one, which is the worst order for Yjs. */
function growth(writers: number): void {
  const docs = Array.from({ length: writers }, () => new Y.Doc())
  for (const doc of docs) {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'network') for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, 'network')
    })
  }
  for (const doc of docs) createBlock(doc, 'b1', { type: 'text' })
  let run: IndexingRun | undefined
  let before = 0
  const start = performance.now()
  for (let i = 0; i < WRITES; i++) {
    const doc = docs[i % writers]
    const list = doc === undefined ? undefined : getBlock(doc, 'b1')?.indexingList
    const author = { source: 'workflow_execution', actor: `w${i % writers}` } as const
    if (list === undefined) throw new Error('no list')
    if (run === undefined || i % 3 === 0) run = list.startRun('embeddings', author)
    else if (i % 3 === 1) list.report('embeddings', run, 'processing', { ...author, chunks: i })
    else list.report('embeddings', run, 'done', author)
    // The first status of each writer costs a client id. The figure is the cost of each further status.
    if (i === 3 * writers) before = sizeOf(docs[0])
  }
  const ms = performance.now() - start
  const after = sizeOf(docs[0])
  const live = docs[0]?.getMap('blocks').get('b1')
  const claims = live instanceof Y.Map ? (live.get('indexingList') as Y.Array<unknown>).length : Number.NaN
  console.log(
    JSON.stringify({
      writers,
      writes: WRITES,
      bytes: after,
      bytesPerStatus: ((after - before) / (WRITES - 3 * writers)).toFixed(4),
      liveClaims: claims,
      usPerStatusOnAllReplicas: ((ms * 1000) / WRITES).toFixed(1),
    }),
  )
}

/** Time of entries() for 1,000 blocks with 5 indexes each: the first time, again, and after one status has changed. */
function reading(): void {
  const doc = new Y.Doc()
  for (let i = 0; i < 1_000; i++) {
    const { indexingList } = createBlock(doc, `b${i}`, { type: 'text' })
    for (let j = 0; j < 5; j++) indexingList.startRun(`index-${j}`, { source: 'instantiation', actor: 'template' })
  }
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  const blocks = listBlocks(copy)
  const readAll = (): number => {
    const start = performance.now()
    for (const block of blocks) if (block.indexingList.entries().length !== 5) throw new Error('an entry is missing')
    return performance.now() - start
  }
  const first = readAll()
  const again = readAll()
  const list = getBlock(copy, 'b500')?.indexingList
  const run = list?.get('index-0')?.run
  if (list === undefined || run === undefined) throw new Error('no run')
  list.report('index-0', run, 'done', { source: 'instantiation', actor: 'template' })
  const afterOne = readAll()
  const ms = (value: number): string => value.toFixed(3)
  console.log(
    JSON.stringify({
      blocks: 1_000,
      indexes: 5,
      firstMs: ms(first),
      againMs: ms(again),
      afterOneStatusMs: ms(afterOne),
    }),
  )
}

/** Time of a keystroke among many skeletons. Each is a client id to Yjs, which copies its state vector twice per transaction. */
function skeletons(): void {
  for (const count of [1, 100, 1_000, 10_000]) {
    const doc = new Y.Doc()
    doc.transact(() => {
      for (let i = 0; i < count; i++) createBlock(doc, `b${i}`, { type: 'text' })
    })
    const text = createBlock(doc, 'b0', { type: 'text' }).content
    const strokes = 500
    const start = performance.now()
    for (let i = 0; i < strokes; i++) text.insert(i, 'e')
    const us = ((performance.now() - start) * 1000) / strokes
    console.log(
      JSON.stringify({
        blocks: count,
        usPerKeystroke: us.toFixed(1),
        stateVectorBytes: Y.encodeStateVector(doc).length,
        bytesPerBlock: (sizeOf(doc) / count).toFixed(0),
      }),
    )
  }
}

function sizeOf(doc: Y.Doc | undefined): number {
  return doc === undefined ? 0 : Y.encodeStateAsUpdate(doc).length
}
