/**
 * `node packages/log/bench/append.ts [seconds per row]` measures what an append costs, beside what LevelDB alone costs.
 * Each row appends typing-sized updates, `group` of them in each turn of the event loop, and goes on when they are
 * durable.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { type EventStore, type LogEntry, openLevelStore, openMemoryStore, type WorkspaceLog } from '../src/index.ts'
import { encodeRecord } from '../src/records/record.ts'

const SECONDS = Number(process.argv[2] ?? 1)
const GROUPS = [1, 10, 100, 1_000]
const WORKSPACES = 20

/** 30 bytes, as one keystroke of a stock client is. */
function typedUpdate(n: number): Uint8Array {
  const update = Buffer.alloc(30, 0x61)
  update.writeUInt32LE(n, 8)
  return update
}

const entry = (n: number): LogEntry => ({
  update: typedUpdate(n),
  actor: 'user-3f2a',
  source: 'user_action',
  connection: 'c-8d1e07',
  touched: ['block-42/content'],
})

interface Row {
  readonly name: string
  readonly group: number
  readonly perSecond: number
  readonly cpuMicros: number
}

/** Runs `turn`, which appends `group` entries and resolves when they are durable, for {@link SECONDS}. */
async function measure(name: string, group: number, turn: (turn: number) => Promise<void>): Promise<Row> {
  for (let n = 0; n < 20; n++) await turn(n)
  const cpu = process.cpuUsage()
  const start = performance.now()
  let turns = 0
  while (performance.now() - start < SECONDS * 1_000) await turn(turns++)
  const elapsedMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  const appends = turns * group
  return { name, group, perSecond: (appends / elapsedMs) * 1_000, cpuMicros: (user + system) / appends }
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-bench-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function storeRows(name: string, store: EventStore): Promise<Row[]> {
  const logs = await Promise.all(Array.from({ length: WORKSPACES }, (_, n) => store.open(`bench/${n}`)))
  const at = (n: number) => logs[n % WORKSPACES] as WorkspaceLog
  const rows: Row[] = []
  for (const group of GROUPS) {
    rows.push(
      await measure(name, group, async (turn) => {
        let durable = Promise.resolve()
        for (let n = 0; n < group; n++) durable = at(n).append(entry(turn + n)).durable
        await durable
        // Memory resolves without leaving the turn: what is measured is one turn for each group.
        if (store.durability === 'memory') await new Promise(setImmediate)
      }),
    )
  }
  await store.close()
  return rows
}

async function levelRows(directory: string, sync: boolean): Promise<Row[]> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  let lsn = 0
  const put = (n: number) => encodeRecord(n % WORKSPACES, ++lsn as never, 1_700_000_000_000, entry(n))
  const rows: Row[] = []
  const label = sync ? 'sync' : 'no sync'
  rows.push(
    await measure(`plain put, ${label}`, 1, async (turn) => {
      const { key, value } = put(turn)
      await level.put(key, value, { sync })
    }),
  )
  for (const group of GROUPS.slice(1)) {
    rows.push(
      await measure(`plain batch, ${label}`, group, (turn) =>
        level.batch(
          Array.from({ length: group }, (_, n) => put(turn + n)),
          { sync },
        ),
      ),
    )
  }
  await level.close()
  return rows
}

async function encodeRow(): Promise<Row> {
  let lsn = 0
  return measure('encode only', 1_000, async (turn) => {
    for (let n = 0; n < 1_000; n++) encodeRecord(n % WORKSPACES, ++lsn as never, 1_700_000_000_000, entry(turn + n))
  })
}

/** Bytes that 50,000 keystrokes take: as written, in the write-ahead log, and in LevelDB's tables. */
async function bytesPerRecord(directory: string): Promise<string> {
  const count = 50_000
  const store = await openLevelStore({ directory, durability: 'async' })
  const logs = await Promise.all(Array.from({ length: WORKSPACES }, (_, n) => store.open(`bench/${n}`)))
  for (let n = 0; n < count; n++) {
    const { durable } = (logs[n % WORKSPACES] as WorkspaceLog).append(entry(n))
    if (n % 100 === 99) await durable
  }
  await store.close()
  const { key, value } = encodeRecord(1, 1 as never, 1_700_000_000_000, entry(1))
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open({ createIfMissing: false })
  await level.compactRange(Buffer.from([0]), Buffer.from([255]))
  await level.close()
  let tables = 0
  for (const name of await readdir(directory)) {
    if (name.endsWith('.ldb')) tables += (await stat(join(directory, name))).size
  }
  const written = key.byteLength + value.byteLength
  return `bytes per record of a 30-byte update: ${written} written, ${(tables / count).toFixed(1)} in compacted tables`
}

const rows = [
  await encodeRow(),
  ...(await storeRows('memory', openMemoryStore())),
  ...(await inDirectory((directory) => levelRows(directory, false))),
  ...(await inDirectory(async (directory) =>
    storeRows('async', await openLevelStore({ directory, durability: 'async' })),
  )),
  ...(await inDirectory((directory) => levelRows(directory, true))),
  ...(await inDirectory(async (directory) =>
    storeRows('sync', await openLevelStore({ directory, durability: 'sync' })),
  )),
]
console.log(`Node ${process.version}, ${SECONDS} s a row, ${WORKSPACES} workspaces, 30-byte updates`)
console.log(`${'what'.padEnd(22)}${'group'.padStart(7)}${'appends/s'.padStart(12)}${'CPU µs each'.padStart(13)}`)
for (const { name, group, perSecond, cpuMicros } of rows) {
  const cells = [
    String(group).padStart(7),
    Math.round(perSecond).toLocaleString('en').padStart(12),
    cpuMicros.toFixed(2).padStart(13),
  ]
  console.log(name.padEnd(22) + cells.join(''))
}
console.log(await inDirectory(bytesPerRecord))
