import type { LogOrigin } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { CHAIN_START, type ChainMark } from '../records/chain.ts'
import { type Extent, encodeExtent } from '../records/extent.ts'
import { encodeChainMarks, encodeChainValue } from '../records/kept-chain.ts'
import { encodeKeyEntry } from '../records/key-entry.ts'
import { encodeSnapshot, packSnapshot } from '../records/packed-snapshot.ts'
import type { Put } from '../records/write.ts'
import { droppedKeys } from './dropped-keys.ts'
import { readRung } from './ladder.ts'
import { readChainOrigin, readKept } from './stored-chain.ts'
import type { StoredLog } from './stored-records.ts'

/** The beginning of a stored log; undefined for one that has all its records and a chain like any other's. */
export async function readLogOrigin(log: StoredLog, generation: string, firstLsn: Lsn): Promise<LogOrigin | undefined> {
  const { lsn, value: chain, marks } = await readChainOrigin(log, generation, firstLsn)
  if (lsn === 0 && marks.length === 1 && isBirth(marks[0], generation)) return undefined
  const dropped: [Lsn, string][] = []
  for await (const point of readKept(log, lsn)) dropped.push([point.lsn, point.value])
  const keys: [string, Lsn][] = []
  if (lsn > 0) for await (const some of droppedKeys(log, firstLsn)) keys.push(...some)
  if (lsn === 0) return { lsn, chain, marks, dropped, keys, snapshot: undefined }
  const { at, state, annex } = await readRung(log, lsn)
  return { lsn, chain, marks, dropped, keys, snapshot: { lsn, at, state, annex } }
}

function isBirth(mark: ChainMark | undefined, generation: string): boolean {
  return mark?.after === 0 && 'generation' in mark && mark.generation === generation
}

/** The writes that give a log its beginning: those that may come before, and those that go with its first record. */
export async function writesOfOrigin(number: number, origin: LogOrigin): Promise<{ before: Put[]; with: Put[] }> {
  const { lsn, chain, marks, dropped, keys, snapshot } = origin
  const [head, ...before] = snapshot === undefined ? [] : await encodeSnapshot(number, await packSnapshot(snapshot))
  const values = [...dropped, ...(chain === CHAIN_START ? [] : [[lsn, chain] as const])]
  const writes = [
    ...keys.map(([key, at]) => encodeKeyEntry(number, key, at)),
    ...values.map(([at, value]) => encodeChainValue(number, at, value)),
    ...encodeChainMarks(number, marks),
  ]
  // Part 0 is written last: without it the other parts are no snapshot.
  if (head !== undefined) writes.push(head, encodeExtent(number, extentOf(origin)))
  return { before, with: writes }
}

/** Where the records of a log with this beginning begin. */
export function extentOf({ lsn }: LogOrigin): Extent {
  return { firstLsn: (lsn + 1) as Lsn, sealedLsn: lsn, snapshotLsn: lsn }
}
