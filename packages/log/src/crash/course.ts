import { createHash } from 'node:crypto'
import type { AdoptingLog, AdoptingStore, EventStore, LogEntry, LogRecord, WorkspaceLog } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { appendTurn, TEAMS, type TeamName } from './team.ts'

/** A promise of a store. It is reported once it is acknowledged, never before. */
export type Promised =
  /** `isSynced`: the append asked for an fsync. */
  | { readonly appended: string; readonly lsn: Lsn; readonly isSynced?: true }
  | { readonly snapshot: string; readonly lsn: Lsn }
  | { readonly dropped: string; readonly firstLsn: Lsn }
  | { readonly deleted: string }
  | { readonly purged: string }

type Tell = (promised: Promised) => void
type Phase = (store: EventStore, tell: Tell) => Promise<void>

/** Records that a compaction of these courses keeps. */
export const EVENTS_KEPT = 60
const LARGE_BYTES = 100_000
const SMALL_BYTES = 700
/** Bytes of a state: more than one part of a snapshot holds, and far from the limit. */
const BIG_STATE_BYTES = 1_300_000
const STATE_BYTES = 60_000
const STATE_TAIL_BYTES = 400
const TAKEN_BACK = new Error('taken back')

/** Bytes that can't be compressed: always the same for the same name. */
function noise(name: string, bytes: number): Uint8Array {
  return createHash('shake256', { outputLength: bytes }).update(name).digest()
}

/** The update of each record of these workspaces. */
export function updateOf(workspace: string, lsn: number): Uint8Array {
  return noise(`${workspace}/${lsn}`, workspace.endsWith('large') ? LARGE_BYTES : SMALL_BYTES)
}

/** The state of each snapshot. Only its end differs from the one before, so that it is packed against that. */
export function stateOf(workspace: string, lsn: number): Uint8Array {
  const same = noise(workspace, workspace === 'big' ? BIG_STATE_BYTES : STATE_BYTES)
  return Buffer.concat([same, noise(`state of ${workspace}/${lsn}`, STATE_TAIL_BYTES)])
}

/** The idempotency key of a record: some have one. */
export function keyOf(lsn: number): string | undefined {
  return lsn % 10 === 0 ? `key ${lsn}` : undefined
}

function entryOf(workspace: string, lsn: number): LogEntry {
  const idempotencyKey = keyOf(lsn)
  const who = { actor: 'ann', source: 'user_action', connection: 'c1', touched: ['b/content'] }
  return { ...who, update: updateOf(workspace, lsn), ...(idempotencyKey && { idempotencyKey }) }
}

/** Appends `count` records in one turn. With `isSynced`, the last one asks for an fsync. */
export async function append(log: WorkspaceLog, count: number, tell: Tell, isSynced = false): Promise<void> {
  let last: { lsn: Lsn; durable: Promise<void> } | undefined
  for (let n = 1; n <= count; n++)
    last = log.append(entryOf(log.workspace, log.head + 1), { sync: isSynced && n === count })
  if (last === undefined) return
  await last.durable
  tell({ appended: log.workspace, lsn: last.lsn, ...(isSynced && { isSynced }) })
}

export async function snapshot(log: WorkspaceLog, tell: Tell): Promise<void> {
  const lsn = log.head
  await log.snapshot({ lsn, state: stateOf(log.workspace, lsn), annex: Buffer.from(`annex ${lsn}`) })
  tell({ snapshot: log.workspace, lsn })
}

export async function compact(log: WorkspaceLog, tell: Tell): Promise<void> {
  const verify = (state: Uint8Array): void => {
    if (state.byteLength < STATE_BYTES) throw new Error('this is no state of a course')
  }
  const { firstLsn } = await log.compact({ keepHistory: { events: EVENTS_KEPT }, verify })
  tell({ dropped: log.workspace, firstLsn })
}

/** The records `first` through `last` of a workspace, as another machine wrote them. */
function copiesOf(workspace: string, first: number, last: number): LogRecord[] {
  const lsns = Array.from({ length: last - first + 1 }, (_, n) => first + n)
  return lsns.map((lsn) => ({ ...entryOf(workspace, lsn), lsn: lsn as Lsn, at: 4_000_000_000_000 + lsn }))
}

/** Adopts records, appends own ones, cuts some of these off, and adopts others in their place: twice. */
async function adopt(log: AdoptingLog, tell: Tell): Promise<void> {
  const take = async (last: number): Promise<void> => {
    const mark = { sequence: 10 * last, epoch: 1, lsn: last, chain: '0123456789abcdef', generation: 'of-another' }
    await log.adopt(copiesOf(log.workspace, log.head + 1, last), mark)
    tell({ appended: log.workspace, lsn: last as Lsn })
  }
  for (let round = 0; round < 2; round++) {
    const from = log.head
    await take(from + 45)
    await append(log, 12, () => undefined)
    await log.truncate((from + 48) as Lsn)
    await take(from + 70)
  }
}

/**
 * Makes so many turns, each of which appends to all logs of a team. Some turns follow each other without a pause, some have
 * appends that are taken back, and some come while others are on their way.
 */
async function makeTurns(store: EventStore, team: TeamName, turns: number, tell: Tell): Promise<void> {
  const logs = await Promise.all(TEAMS[team].map((name) => store.open(name)))
  const told: Promise<unknown>[] = []
  for (let turn = 1; turn <= turns; turn++) {
    const receipts = appendTurn(logs, turn, entryOf)
    if (turn % 4 === 0) takeBack(store, logs)
    told.push(
      ...receipts.map(async ({ lsn, durable }, place) => {
        await durable
        tell({ appended: TEAMS[team][place] ?? '', lsn })
      }),
    )
    if (turn % 3 === 0) await Promise.all(told)
    else if (turn % 3 === 1) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(told)
}

/** Appends to all logs but the last, and takes that back. */
function takeBack(store: EventStore, logs: readonly WorkspaceLog[]): void {
  try {
    store.atomically(() => {
      for (const log of logs.slice(0, -1)) log.append(entryOf(log.workspace, log.head + 1))
      throw TAKEN_BACK
    })
  } catch (error) {
    if (error !== TAKEN_BACK) throw error
  }
}

/** Phases: single kinds of work of a store. Each begins with what `prepare` has left, and leaves the store open. */
export const PHASES = {
  /** Opens the store and does nothing else. */
  async open() {},

  async write(store, tell) {
    const logs = await Promise.all([store.open('a'), store.open('b'), store.open('new')])
    // One of them asks for fsyncs, beside which the others write on.
    const work = logs.map(async (log, n) => {
      for (let turn = 0; turn < 10; turn++) await append(log, 1 + ((turn + n) % 3), tell, n === 1)
    })
    await Promise.all(work)
    // LevelDB leaves its write-ahead log for a new one, and meanwhile makes a table of the old one.
    const large = await store.open('large')
    for (let turn = 0; turn < 22; turn++) {
      const synced = append(logs[1], 1, tell, true)
      await append(large, 4, tell)
      if (turn % 4 === 0) await synced
    }
  },

  /** Turns that append to two logs, and to five. */
  two: (store, tell) => makeTurns(store, 'two', 40, tell),
  // LevelDB leaves its write-ahead log for a new one in the midst of it.
  five: (store, tell) => makeTurns(store, 'five', 45, tell),

  async snapshot(store, tell) {
    for (const name of ['a', 'big', 'b']) {
      const log = await store.open(name)
      for (let turn = 0; turn < 3; turn++) {
        await append(log, 2, tell)
        const taken = snapshot(log, tell)
        await append(log, 1, tell)
        await taken
      }
    }
  },

  async seal(store, tell) {
    for (const name of ['a', 'large']) {
      const log = await store.open(name)
      const sealing = log.seal()
      await append(log, 2, tell)
      await sealing
      await log.seal()
    }
  },

  async compact(store, tell) {
    const log = await store.open('a')
    const compacting = compact(log, tell)
    await append(log, 2, tell)
    await compacting
  },

  async adopt(store, tell) {
    await adopt(await (store as AdoptingStore).open('copied'), tell)
  },

  async remove(store, tell) {
    await store.tombstone('doomed')
    tell({ deleted: 'doomed' })
    await store.purge('doomed')
    tell({ purged: 'doomed' })
  },
} satisfies Record<string, Phase>

export type PhaseName = keyof typeof PHASES

/** Makes histories in which each phase finds work. */
export async function prepare(store: EventStore, tell: Tell): Promise<void> {
  const a = await store.open('a')
  for (const sealedAlready of [true, true, false, false]) {
    await append(a, 80, tell)
    await snapshot(a, tell)
    if (sealedAlready) await a.seal()
  }
  for (const [name, records] of [
    ['b', 10],
    ['big', 5],
    ['large', 20],
    ['doomed', 70],
  ] as const) {
    const log = await store.open(name)
    await append(log, records, tell)
    if (name === 'doomed') {
      await snapshot(log, tell)
      await log.seal()
      await append(log, 5, tell)
    }
    await log.close()
  }
  await a.close()
}
