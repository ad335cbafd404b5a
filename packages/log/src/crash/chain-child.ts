import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'

/**
 * A program for crash tests: `chain-child.ts DIRECTORY` asks a log of 2,100 records for chain values, which are kept then, packs its
 * records, and appends between.
 */
const [directory = ''] = process.argv.slice(2)
const store = await openLevelStore({ directory, durability: 'sync' })
const log = await store.open('w')
for (const lsn of [1_500, 2_050, 700]) await log.chainAt(lsn as never)
await log.append(sampleEntry(2_101)).durable
await log.seal()
await log.append(sampleEntry(2_102)).durable
await log.chainAt()
await store.close()
