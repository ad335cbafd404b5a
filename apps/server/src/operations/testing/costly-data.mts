import { createBlock } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import * as Y from 'yjs'
import { temporaryDirectory } from '../../testing/temporary-directory.mts'

/** Items of the list that two people wrote at one place: Yjs passes each of one for each of the other, 64 million steps. */
const ITEMS = 8_000

export interface CostlyData {
  readonly directory: string
  /** LSN of the record that takes seconds to load. */
  readonly costlyLsn: number
  readonly head: number
}

/** The snapshots of the workspace, and whether its history was dropped. */
export interface CostlyChoice {
  /** LSNs at which snapshots are taken. */
  readonly snapshots?: readonly number[]
  /** True for a workspace whose records before the newest snapshot were dropped. */
  readonly isCompacted?: boolean
}

/**
 * Makes a data directory with a workspace `demo` of a few records, as a server without bounds would have written it: small ones,
 * two lists that are written offline at one place, of which the second takes seconds to load, and a small one. The block `note`
 * has the text `before` and, behind the lists, `after`.
 */
export async function makeCostlyData({ snapshots = [], isCompacted = false }: CostlyChoice = {}): Promise<CostlyData> {
  const directory = await temporaryDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('demo')
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const note = createBlock(doc, 'note', { type: 'text' })
  note.content.insert(0, 'before')
  const [first, second] = offlineLists() as [Uint8Array, Uint8Array]
  const costlyLsn = updates.push(first, second)
  doc.transact(() => note.content.insert(6, ', after'))
  let all: Uint8Array = Uint8Array.of(0, 0)
  for (const [index, update] of updates.entries()) {
    all = Y.mergeUpdates([all, update])
    const { lsn } = log.append({ update, touched: [], actor: 'ada', source: 'user_action', connection: 'c1' })
    if (!snapshots.includes(index + 1)) continue
    await log.snapshot({ lsn, state: all })
  }
  if (isCompacted) await log.compact({ keepHistory: { events: 1 }, verify: () => undefined })
  const { head } = log
  await log.close()
  await store.close()
  return { directory, costlyLsn, head }
}

/**
 * The updates of two people, each with a list that was written offline at one place. The second builds on the end of the first, so that
 * Yjs integrates them in this order from a snapshot, too.
 */
function offlineLists(): Uint8Array[] {
  const [first, twin, second] = [1, 1, 2].map((client) => {
    const doc = new Y.Doc()
    doc.clientID = client
    return doc
  }) as [Y.Doc, Y.Doc, Y.Doc]
  writeBackwards(first)
  // Takes up the clocks of the first list, so that the second person knows its end and none of its items.
  twin.getArray('elsewhere').push(new Array(ITEMS).fill(0))
  for (const doc of [first, twin]) doc.getArray('mark').push([1])
  Y.applyUpdate(second, Y.encodeStateAsUpdate(twin))
  second.getArray('mark').push([2])
  writeBackwards(second)
  return [Y.encodeStateAsUpdate(first), Y.encodeStateAsUpdate(second, Y.encodeStateVector(twin))]
}

function writeBackwards(doc: Y.Doc): void {
  doc.transact(() => {
    for (let index = 0; index < ITEMS; index++) doc.getArray('list').unshift([index])
  })
}
