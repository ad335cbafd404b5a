/**
 * `node packages/log/bench/chain.ts [rounds]` measures what the chain costs, in one run with and without it, turn about: CPU of an
 * append until it is durable, and of the whole course with a snapshot and the packing of the records after each thousand, which is
 * where the chain is computed. Without the chain, its links are not hashed. Last, the cost of a head each thousand records.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogEntry, openLevelStore, type WorkspaceLog } from '../src/index.ts'
import { CHAIN_START, Chain } from '../src/records/chain.ts'

const ROUNDS = Number(process.argv[2] ?? 7)
const RECORDS = 20_000
const GROUP = 20

const entry = (n: number): LogEntry => {
  const update = Buffer.alloc(30, 0x61)
  update.writeUInt32LE(n, 8)
  const author = { actor: 'user-3f2a', source: 'user_action', connection: 'c-8d1e07' }
  return { ...author, update, touched: ['block-42/content'] }
}

type Each = (log: WorkspaceLog) => Promise<unknown>
const COURSES: readonly [name: string, each: Each | undefined][] = [
  ['append until durable', undefined],
  [
    'append, snapshot, pack',
    async (log) => log.snapshot({ lsn: log.head, state: Buffer.alloc(4_000, 7) }).then(() => log.seal()),
  ],
  ['append, a head each thousand', (log) => log.chainAt()],
]

/** CPU of one append, µs. */
async function measure(each: Each | undefined): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-bench-'))
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('bench')
  const cpu = process.cpuUsage()
  while (log.head < RECORDS) {
    let durable = Promise.resolve()
    for (let n = 0; n < GROUP; n++) durable = log.append(entry(log.head)).durable
    await durable
    if (log.head % 1_000 === 0) await each?.(log)
  }
  const { user, system } = process.cpuUsage(cpu)
  await store.close()
  await rm(directory, { recursive: true })
  return (user + system) / RECORDS
}

const take = Chain.prototype.take
const withoutChain = async (each: Each | undefined): Promise<number> => {
  Chain.prototype.take = () => CHAIN_START
  try {
    return await measure(each)
  } finally {
    Chain.prototype.take = take
  }
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

for (const [name, each] of COURSES) {
  const [withIt, without]: [number[], number[]] = [[], []]
  await measure(each)
  for (let round = 0; round < ROUNDS; round++) {
    // The second of two finds a warmer machine.
    if (round % 2 === 0) withIt.push(await measure(each))
    without.push(await withoutChain(each))
    if (round % 2 === 1) withIt.push(await measure(each))
  }
  const [a, b] = [median(withIt), median(without)]
  console.log(
    `${name}: ${a.toFixed(2)} µs with the chain, ${b.toFixed(2)} without, ${((a / b - 1) * 100).toFixed(1)} %`,
  )
}
