import { describeEventStore } from '../testing/store-contract.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()

for (const durability of ['async', 'sync'] as const) {
  describeEventStore(
    `LevelDB, ${durability}`,
    async (clock) => openLevelStore({ directory: await makeDirectory(), durability, clock }),
    { isAdopting: true },
  )
}
