import { cp, mkdtemp, rm } from 'node:fs/promises'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { exportIntact } from '../operations/export-intact.ts'
import { importArchive } from '../operations/import-archive.ts'
import { surveyRepair } from '../operations/repair-survey.ts'
import { repairWorkspace } from '../operations/repair-workspace.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { stateOf, updateOf } from './course.ts'
import { type Flip, flipBit } from './damage-look.ts'

/**
 * Result of one flipped bit in a copy: the problems that a verification reports, what is read of each workspace
 * (`same`, or the code of an error), and what a repair makes of it (`whole`, `repaired`, `exported`, or the code of an
 * error).
 */
export type FlipLine =
  | { readonly isFound: boolean }
  | { readonly seen: Readonly<Record<string, string>> }
  | { readonly repaired: Readonly<Record<string, string>> }

const NOTE = sampleEntry(0)

/** First and last LSN that a workspace should have. */
export type Reach = readonly [workspace: string, firstLsn: number, head: number]

/**
 * A program for tests: `flip-look.ts DIRECTORY REACHES FLIPS` (JSON) prints three lines for each flip. LevelDB may
 * abort it before the last.
 */
const [directory = '', reaches = '[]', flips = '[]'] = process.argv.slice(2)
for (const flip of JSON.parse(flips) as Flip[]) {
  const copy = await mkdtemp(`${directory}-copy-`)
  await cp(directory, copy, { recursive: true })
  await flipBit(copy, flip)
  print({ isFound: await isFound(copy) })
  print({ seen: await look(copy, JSON.parse(reaches) as Reach[]) })
  print({ repaired: await repair(copy, JSON.parse(reaches) as Reach[]) })
  await rm(copy, { recursive: true })
}

function print(line: FlipLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function isFound(copy: string): Promise<boolean> {
  const found = await verifyDirectory(copy).catch(codeOf)
  return typeof found === 'string' || !isIntact(found)
}

async function look(copy: string, expected: readonly Reach[]): Promise<Record<string, string>> {
  const store = await openLevelStore({ directory: copy, durability: 'async' }).catch(codeOf)
  if (typeof store === 'string') return Object.fromEntries(expected.map(([workspace]) => [workspace, store]))
  const seen: Record<string, string> = {}
  for (const reach of expected) {
    const read = store.open(reach[0]).then((log) => compare(log, reach))
    seen[reach[0]] = await read.catch(codeOf)
  }
  await store.close()
  return seen
}

/** Reads all that a server may read of a workspace. Returns `same`, or the difference. */
async function compare(
  log: WorkspaceLog,
  [workspace, firstLsn, head]: Reach,
  { hasNote = false } = {},
): Promise<string> {
  if (log.firstLsn !== firstLsn || log.head !== head) return `reaches from ${log.firstLsn} to ${log.head}`
  for await (const { lsn, update } of log.read()) {
    const expected = hasNote && lsn === head ? NOTE.update : updateOf(workspace, lsn)
    if (Buffer.compare(update, expected) !== 0) return `record ${lsn} is different`
  }
  const snapshot = await log.latestSnapshot()
  // An older snapshot may be given instead of the newest: with the records after it the state is the same.
  if ((snapshot?.lsn ?? 0) < firstLsn - 1) return 'nothing stands for the records that were dropped'
  if (snapshot === undefined) return 'same'
  if (Buffer.compare(snapshot.state, stateOf(workspace, snapshot.lsn)) === 0) return 'same'
  return `the snapshot at ${snapshot.lsn} is different`
}

async function repair(copy: string, expected: readonly Reach[]): Promise<Record<string, string>> {
  const store = await openLevelStore({ directory: copy, durability: 'sync' }).catch(codeOf)
  if (typeof store === 'string') return {}
  const outcomes: Record<string, string> = {}
  for (const [workspace] of expected) outcomes[workspace] = await repairOne(store, copy, workspace).catch(codeOf)
  await store.close()
  return outcomes
}

/** Exports the intact part and checks it. Then repairs the workspace, if that is possible there, and checks again. */
async function repairOne(store: EventStore, copy: string, workspace: string): Promise<string> {
  const { problemCount } = await surveyRepair(store, workspace)
  if (problemCount === 0) return 'whole'
  const archive = Buffer.concat(await Array.fromAsync(exportIntact(store, workspace, { note: NOTE })))
  const elsewhere = await mkdtemp(`${copy}-elsewhere-`)
  const other = await openLevelStore({ directory: elsewhere, durability: 'async' })
  try {
    await importArchive(other, async function* () {
      yield archive
    })
    const exported = await compareKept(other, workspace)
    if (exported !== 'right') return exported
    const repaired = await repairWorkspace(store, workspace, { directory: copy, note: NOTE }).catch(codeOf)
    if (repaired === 'corrupted') return 'exported'
    if (typeof repaired === 'string') return repaired
    const kept = await compareKept(store, workspace)
    return kept === 'right' ? 'repaired' : kept
  } finally {
    await other.close()
    await rm(elsewhere, { recursive: true })
  }
}

/** Returns `right` if every record but the note, and every snapshot, holds what was written. */
async function compareKept(store: EventStore, workspace: string): Promise<string> {
  const log = await store.open(workspace)
  const reach: Reach = [workspace, log.firstLsn, log.head]
  try {
    const kept = await compare(log, reach, { hasNote: true })
    return kept === 'same' ? 'right' : kept
  } finally {
    await log.close()
  }
}

function codeOf(error: unknown): string {
  if (error instanceof LogError) return error.code
  throw error
}
