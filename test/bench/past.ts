/**
 * Cost of a long history in the log itself, one record per edit: bytes on the disk, and the time that the state at a
 * random LSN takes beside loading the snapshot before it alone. A snapshot is taken and what it covers sealed every 1,000
 * records, as a server does.
 * usage: node test/bench/past.ts [--trace FILE] [--edits N] [--looks N]
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Lsn, openLevelStore, type WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { randomBelow, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { editsOf } from './load/history.ts'
import { percentile } from './load/percentile.ts'
import { generateTrace, readTrace } from './load/trace.ts'

const SNAPSHOT_RECORDS = 1_000
const SECONDS_BETWEEN_EDITS = 0.4

async function write(log: WorkspaceLog, updates: readonly Uint8Array[]): Promise<void> {
  const doc = new Y.Doc()
  for (const [index, update] of updates.entries()) {
    const { durable } = log.append({
      update,
      actor: 'ada',
      source: 'user_action',
      connection: `c-${Math.floor(index / 5_000)}`,
      touched: ['note/content'],
    })
    Y.applyUpdate(doc, update)
    if (log.head % SNAPSHOT_RECORDS === 0) {
      await log.snapshot({ lsn: log.head, state: Y.encodeStateAsUpdate(doc) })
      await log.seal({ through: log.snapshotLsn })
    }
    if (index === updates.length - 1) await durable
  }
  await log.seal()
}

/** Milliseconds for the snapshot alone, and for the state at `lsn` from it on. */
async function look(log: WorkspaceLog, lsn: Lsn): Promise<{ snapshotMs: number; stateMs: number }> {
  const timeOf = async (isWhole: boolean) => {
    const startMs = performance.now()
    const doc = new Y.Doc()
    const snapshot = await log.latestSnapshot({ atOrBefore: lsn })
    if (snapshot !== undefined) Y.applyUpdate(doc, snapshot.state)
    if (isWhole) {
      const updates: Uint8Array[] = []
      for await (const { update } of log.read({ after: snapshot?.lsn ?? (0 as Lsn), through: lsn }))
        updates.push(update)
      doc.transact(() => {
        for (const update of updates) Y.applyUpdate(doc, update)
      })
    }
    return performance.now() - startMs
  }
  return { snapshotMs: await timeOf(false), stateMs: await timeOf(true) }
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

const { values } = parseArgs({
  options: { trace: { type: 'string' }, edits: { type: 'string' }, looks: { type: 'string', default: '100' } },
})
const editsMax = values.edits === undefined ? undefined : Number(values.edits)
const trace = values.trace === undefined ? generateTrace(editsMax) : readTrace(values.trace)
const { updates } = editsOf(trace, editsMax ?? trace.txns.length)
await using home = await tempDirectory()
let atMs = 1_700_000_000_000
const clock = {
  now: () => {
    atMs += SECONDS_BETWEEN_EDITS * 1_000
    return Math.floor(atMs)
  },
  after: (delayMs: number, call: () => void) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
}
const open = () => openLevelStore({ directory: home.path, durability: 'async', clock })
const written = await open()
await write(await written.open('note'), updates)
await written.close()
const bytes = await bytesIn(home.path)
const store = await open()
const log = await store.open('note')
const random = seededRandom(1)
const looks: { snapshotMs: number; stateMs: number }[] = []
for (let count = Number(values.looks); count > 0; count--) {
  looks.push(await look(log, (1 + randomBelow(random, log.head)) as Lsn))
}
await store.close()
const median = (pick: (look: { snapshotMs: number; stateMs: number }) => number) => percentile(looks.map(pick), 0.5)
const [snapshotMs, stateMs] = [median(({ snapshotMs }) => snapshotMs), median(({ stateMs }) => stateMs)]
console.log(`${updates.length} records of one edit each, all history and snapshots kept:`)
console.log(`on the disk: ${(bytes / updates.length).toFixed(1)} bytes an edit (at most 25)`)
console.log(
  `state at ${looks.length} random LSNs: median ${stateMs.toFixed(1)} ms, the snapshot before it alone ` +
    `${snapshotMs.toFixed(1)} ms: ${(stateMs / snapshotMs).toFixed(2)} × (at most 1.5)`,
)
