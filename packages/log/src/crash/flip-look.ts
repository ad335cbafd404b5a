import { cp, mkdtemp, rm } from 'node:fs/promises'
import { type Flip, flipBit } from '../damage-look.ts'
import type { WorkspaceLog } from '../event-store.ts'
import { openLevelStore } from '../level-store.ts'
import { LogError } from '../log-error.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { stateOf, updateOf } from './course.ts'

/** What a verification says of a copy with one bit flipped, and what is read of each workspace: `same`, or an error's code. */
export type FlipLine = { readonly isFound: boolean } | { readonly seen: Readonly<Record<string, string>> }

/** A workspace as it should be: first and last LSN. */
export type Reach = readonly [workspace: string, firstLsn: number, head: number]

/**
 * A program for tests: `flip-look.ts DIRECTORY REACHES FLIPS` (JSON) prints two lines for each flip. LevelDB may abort it
 * before the second.
 */
const [directory = '', reaches = '[]', flips = '[]'] = process.argv.slice(2)
for (const flip of JSON.parse(flips) as Flip[]) {
  const copy = await mkdtemp(`${directory}-copy-`)
  await cp(directory, copy, { recursive: true })
  await flipBit(copy, flip)
  print({ isFound: await isFound(copy) })
  print({ seen: await look(copy, JSON.parse(reaches) as Reach[]) })
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

/** Reads all that a server may read of a workspace. Gives `same`, or what is different. */
async function compare(log: WorkspaceLog, [workspace, firstLsn, head]: Reach): Promise<string> {
  if (log.firstLsn !== firstLsn || log.head !== head) return `reaches from ${log.firstLsn} to ${log.head}`
  for await (const { lsn, update } of log.read()) {
    if (Buffer.compare(update, updateOf(workspace, lsn)) !== 0) return `record ${lsn} is different`
  }
  const snapshot = await log.latestSnapshot()
  // One before the newest stands in for it: what is loaded is the same, with more records after it.
  if ((snapshot?.lsn ?? 0) < firstLsn - 1) return 'nothing stands for the records that were dropped'
  if (snapshot === undefined) return 'same'
  if (Buffer.compare(snapshot.state, stateOf(workspace, snapshot.lsn)) === 0) return 'same'
  return `the snapshot at ${snapshot.lsn} is different`
}

function codeOf(error: unknown): string {
  if (error instanceof LogError) return error.code
  throw error
}
