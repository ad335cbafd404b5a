import { openLevelStore } from './level-store.ts'
import { testDirectories } from './test-directory.ts'
import { describeEventStore } from './testing.ts'

const makeDirectory = testDirectories()

for (const durability of ['async', 'sync'] as const) {
  describeEventStore(`LevelDB, ${durability}`, async (clock) =>
    openLevelStore({ directory: await makeDirectory(), durability, clock }),
  )
}
