/**
 * `node packages/log/bench/upkeep.ts [records] [workspaces] [rounds]` measures what reading, sealing, compacting and
 * opening cost. Beside each result stands the floor: the time that LevelDB alone takes for the same keys and values,
 * or, for sealed records, for reading them as they were before. Each round starts on directories of its own. The table
 * gives the median of all rounds, and the range of the ratios.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { type EventStore, type Lsn, openLevelStore, type WorkspaceLog } from '../src/index.ts'
import { extentKey, KIND, ownRange, recordKeyRange, workspaceKey } from '../src/records/key.ts'
import { readAll } from '../src/testing/read-all.ts'

const [RECORDS = 20_000, WORKSPACES = 1_000, ROUNDS = 5] = process.argv.slice(2).map(Number)
const RECORDS_EACH = 10
const PER_BATCH = 1_000

interface Timing {
  readonly name: string
  readonly items: number
  readonly ms: number
  readonly floorMs: number
}

const open = (directory: string) => openLevelStore({ directory, durability: 'async' })
const openRaw = async (directory: string) => {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  return level
}
type Raw = Awaited<ReturnType<typeof openRaw>>

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

async function inDirectories<T>(work: (directory: string, floor: string) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'joinery-bench-'))
  try {
    return await work(join(home, 'log'), join(home, 'floor'))
  } finally {
    await rm(home, { recursive: true })
  }
}

/** 30 bytes, as one keystroke of a stock client is. */
async function fill(log: WorkspaceLog, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    const update = Buffer.alloc(30, 0x61)
    update.writeUInt32LE(n, 8)
    const touched = ['block-42/content']
    const { durable } = log.append({
      update,
      actor: 'user-3f2a',
      source: 'user_action',
      connection: 'c-8d1e07',
      touched,
    })
    if (n % 100 === 0 || n === count) await durable
  }
}

/** Makes a raw LevelDB with all entries of the log. */
async function copyTo(directory: string, floor: string): Promise<void> {
  const [from, to] = [await openRaw(directory), await openRaw(floor)]
  for await (const [key, value] of from.iterator()) await to.put(key, value)
  await Promise.all([from.close(), to.close()])
}

async function drain(raw: Raw, range: { gte: Uint8Array } & ({ lt: Uint8Array } | { lte: Uint8Array })): Promise<void> {
  const iterator = raw.iterator(range)
  while ((await iterator.nextv(256)).length > 0);
  await iterator.close()
}

/** Deletes the workspace's records, so many at a time, and writes what `put` gives in their place. */
async function replace(
  raw: Raw,
  through: number,
  put: (from: number) => readonly (readonly [Uint8Array, Uint8Array])[],
) {
  const keys = await raw.keys(recordKeyRange(0, 0, through)).all()
  for (let start = 0; start < keys.length; start += PER_BATCH) {
    const batch = raw.batch()
    for (const [key, value] of put(start)) batch.put(key, value)
    for (const key of keys.slice(start, start + PER_BATCH)) batch.del(key)
    await batch.write({ sync: true })
  }
}

/** One workspace of many records: they are read one by one, sealed, read sealed, and all but the last dropped. */
async function longHistory(directory: string, floor: string): Promise<Timing[]> {
  const store = await open(directory)
  await fill(await store.open('a'), RECORDS)
  await store.close()
  await copyTo(directory, floor)
  const again = await open(directory)
  const log = await again.open('a')
  const reading = await timed(() => readAll(log))
  const sealing = await timed(() => log.seal())
  const readingSealed = await timed(() => readAll(log))
  await log.snapshot({ lsn: (log.head - 1) as Lsn, state: Buffer.alloc(1_000) })
  const policy = { keepHistory: { events: 1 }, verify: () => {} }
  const compacting = await timed(() => log.compact(policy))
  await again.close()
  const raw = await openRaw(floor)
  const floorOfReading = await timed(() => drain(raw, recordKeyRange(0)))
  const segment = Buffer.alloc(3_500, 1)
  const segmentKey = (from: number) =>
    Buffer.from([KIND.segment, 0, 0, 0, 0, 0, 0, ...new Uint8Array([from >> 16, from >> 8, from])])
  const floorOfSealing = await timed(async () => {
    await drain(raw, recordKeyRange(0))
    await replace(raw, RECORDS - 1, (from) => [[segmentKey(from), segment]])
  })
  const floorOfCompacting = await timed(async () => {
    const keys = await raw.keys(ownRange(KIND.segment, 0)).all()
    await raw.batch(
      keys.map((key) => ({ type: 'del', key })),
      { sync: true },
    )
    for (const kind of [KIND.record, KIND.segment, KIND.snapshot]) {
      const { gte, lt } = ownRange(kind, 0)
      await raw.compactRange(gte, lt)
    }
  })
  await raw.close()
  return [
    { name: 'read records', items: RECORDS, ms: reading, floorMs: floorOfReading },
    { name: 'seal records', items: RECORDS, ms: sealing, floorMs: floorOfSealing },
    { name: 'read sealed records', items: RECORDS, ms: readingSealed, floorMs: floorOfReading },
    { name: 'drop sealed records', items: RECORDS, ms: compacting, floorMs: floorOfCompacting },
  ]
}

/** Many workspaces of few records, after the process was killed: the store is opened, and then each workspace. */
async function manyWorkspaces(directory: string, floor: string): Promise<Timing[]> {
  const store = await open(directory)
  for (let n = 0; n < WORKSPACES; n++) await fill(await store.open(`w/${n}`), RECORDS_EACH)
  await store.close()
  await copyTo(directory, floor)
  let again: EventStore | undefined
  const opening = await timed(async () => {
    again = await open(directory)
    for (let n = 0; n < WORKSPACES; n++) await again.open(`w/${n}`)
  })
  await again?.close()
  let raw: Raw | undefined
  const floorOfOpening = await timed(async () => {
    raw = await openRaw(floor)
    for (let n = 0; n < WORKSPACES; n++) {
      raw.getSync(workspaceKey(`w/${n}`))
      raw.getSync(extentKey(n))
      await raw.iterator({ ...recordKeyRange(n), reverse: true, limit: 1 }).all()
    }
  })
  await raw?.close()
  return [{ name: 'open workspaces', items: WORKSPACES, ms: opening, floorMs: floorOfOpening }]
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const rounds: Timing[][] = []
for (let round = 0; round < ROUNDS; round++) {
  rounds.push([...(await inDirectories(longHistory)), ...(await inDirectories(manyWorkspaces))])
}
console.log(
  `Node ${process.version}, ${ROUNDS} rounds, 30-byte updates; the floor is LevelDB alone with the same bytes`,
)
console.log(
  `${'what'.padEnd(22)}${'items'.padStart(8)}${'ms'.padStart(9)}${'µs each'.padStart(10)}${'floor ms'.padStart(10)}  times the floor`,
)
for (const [row, first] of (rounds[0] ?? []).entries()) {
  const timings = rounds.flatMap((round) => round[row] ?? [])
  const ms = median(timings.map((timing) => timing.ms))
  const ratios = timings.map((timing) => timing.ms / timing.floorMs)
  const cells = [
    first.items.toLocaleString('en').padStart(8),
    ms.toFixed(1).padStart(9),
    ((ms * 1_000) / first.items).toFixed(2).padStart(10),
    median(timings.map(({ floorMs }) => floorMs))
      .toFixed(1)
      .padStart(10),
    `  ${median(ratios).toFixed(1)} (${Math.min(...ratios).toFixed(1)} to ${Math.max(...ratios).toFixed(1)})`,
  ]
  console.log(first.name.padEnd(22) + cells.join(''))
}
