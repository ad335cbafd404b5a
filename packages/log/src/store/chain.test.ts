import { expect, it } from 'vitest'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { chainKeyRange, KIND, lsnOfRecordKey, ownRange } from '../records/key.ts'
import { readAll } from '../testing/read-all.ts'
import { referenceChain } from '../testing/reference-chain.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { appendTo } from '../testing/snapshot-contract.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

async function keptLsns(directory: string): Promise<number[]> {
  let lsns: number[] = []
  await tamper(directory, async (level) => {
    lsns = (await level.keys(ownRange(KIND.chain, 0)).all()).map(lsnOfRecordKey)
  })
  return lsns
}

/** A log of 2,500 records with a snapshot at 2,100, packed. */
async function packedLog(directory: string): Promise<void> {
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  await appendTo(log, 2_500)
  await log.snapshot({ lsn: 2_100 as Lsn, state: Buffer.from('state') })
  await log.seal()
  await store.close()
}

it('[L132] a value is kept at each segment, each thousandth record, a packed snapshot, and where it was asked for', async () => {
  const directory = await makeDirectory()
  await packedLog(directory)
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  const value = await log.chainAt(1_500 as Lsn)
  const records = await readAll(log)
  expect(value).toBe(referenceChain(records.slice(0, 1_500), [{ after: 0, generation: log.generation ?? '' }]))
  expect(await log.chainAt()).toBe(referenceChain(records, [{ after: 0, generation: log.generation ?? '' }]))
  await store.close()
  expect(await keptLsns(directory)).toEqual([1_000, 1_024, 1_500, 2_000, 2_048, 2_100, 2_499, 2_500])
  expect(isIntact(await verifyDirectory(directory))).toBe(true)
})

it('[L132] a log without any value, as an older version leaves it, gets the same values when they are asked for', async () => {
  const directory = await makeDirectory()
  await packedLog(directory)
  await tamper(directory, (level) => level.clear(chainKeyRange(0)))
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  const generation = log.generation ?? ''
  expect(await log.chainAt()).toBe(referenceChain(await readAll(log), [{ after: 0, generation }]))
  await store.close()
  expect(await keptLsns(directory)).toEqual([1_000, 2_000, 2_500])
})

it('[L132] a compacted log of an older version begins its chain behind what it had dropped', async () => {
  const directory = await makeDirectory()
  await packedLog(directory)
  const compacting = await openLevelStore({ directory, durability: 'async' })
  const before = await compacting.open('a')
  await before.compact({ keepHistory: { events: 1 }, verify: () => undefined })
  await compacting.close()
  await tamper(directory, async (level) => {
    await level.clear(ownRange(KIND.chain, 0))
    await level.clear(ownRange(KIND.chainMarks, 0))
  })
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  const generation = log.generation ?? ''
  expect(await log.chainAt()).toBe(referenceChain(await readAll(log), [{ after: 2_100, generation }]))
  await store.close()
  expect(isIntact(await verifyDirectory(directory))).toBe(true)
})

it('[L133] opening and appending compute and write no chain value', async () => {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  await appendTo(log, 3_000)
  await store.close()
  expect(await keptLsns(directory)).toEqual([])
})

it('[L134] an erasing compaction keeps the value of the last dropped record, and none before it', async () => {
  const directory = await makeDirectory()
  await packedLog(directory)
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  const known = await log.chainAt(2_100 as Lsn)
  await log.compact({ keepHistory: { events: 1 }, verify: () => undefined, isErasing: true })
  expect(await log.chainAt(2_100 as Lsn)).toBe(known)
  await expect(log.chainAt(1_000 as Lsn)).rejects.toEqual(code('invalid'))
  await store.close()
  expect(await keptLsns(directory)).toEqual([2_100, 2_499])
  expect(isIntact(await verifyDirectory(directory))).toBe(true)
})

it('[L134] two compactions without a record in between leave one snapshot in the chain', async () => {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  await appendTo(log, 10)
  const [first, second] = [Buffer.from('state at 3'), Buffer.from('state at 6')]
  await log.snapshot({ lsn: 3 as Lsn, state: first })
  await log.snapshot({ lsn: 6 as Lsn, state: second })
  const verify = () => undefined
  await log.compact({ keepHistory: { events: 6 }, verify })
  await log.compact({ keepHistory: { events: 2 }, verify })
  const before = await log.chainAt(6 as Lsn)
  log.append(sampleEntry(11))
  const ground = { after: 10, groundLsn: 6, state: second, annex: new Uint8Array(0) }
  expect(await log.chainAt()).toBe(referenceChain(await readAll(log), [ground], before))
  await store.close()
  expect(isIntact(await verifyDirectory(directory))).toBe(true)
})

it('[L136] a kept value that the records do not make is reported, and so is a damaged one', async () => {
  const directory = await makeDirectory()
  await packedLog(directory)
  await tamper(directory, async (level) => {
    const [first, second] = await level.iterator(chainKeyRange(0)).all()
    if (first === undefined || second === undefined) throw new Error('there are no values')
    await level.put(first[0], Buffer.alloc(first[1].byteLength))
    const [key, value] = [second[0], Buffer.from(second[1])]
    const { encodeChainValue } = await import('../records/kept-chain.ts')
    expect(value.byteLength).toBe(37)
    const forged = encodeChainValue(0, lsnOfRecordKey(key), 'f'.repeat(64))
    await level.put(forged.key, forged.value)
  })
  const report = await verifyDirectory(directory)
  const problems = report.store?.workspaces[0]?.problems.map(({ code: found, lsn }) => [found, lsn])
  expect(problems).toEqual([
    ['chain_damaged', undefined],
    ['chain_mismatch', 1_024],
  ])
})
