import { openMemoryStore } from '../memory/memory-store.ts'
import { openLevelStore } from '../store/level-store.ts'
import { describeFencing, describeLateRefusal } from './fencing-contract.ts'
import { FencingStore } from './fencing-store.ts'
import { describeEventStore } from './store-contract.ts'
import { testDirectories } from './test-directory.ts'

const makeDirectory = testDirectories()

describeEventStore('memory, of which nothing is fenced', async (clock) => new FencingStore(openMemoryStore({ clock })))

for (const [name, open] of [
  ['memory', async () => openMemoryStore()],
  ['LevelDB, async', async () => openLevelStore({ directory: await makeDirectory(), durability: 'async' })],
  ['LevelDB, sync', async () => openLevelStore({ directory: await makeDirectory(), durability: 'sync' })],
] as const) {
  const scene = async () => {
    const store = new FencingStore(await open())
    return {
      store,
      fence: (workspace: string) => store.fence(workspace),
      overlook: (workspace: string, key: string) => store.overlook(workspace, key),
    }
  }
  describeFencing(name, scene)
  describeLateRefusal(name, scene)
}
