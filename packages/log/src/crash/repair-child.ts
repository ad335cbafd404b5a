import { repairWorkspace } from '../operations/repair-workspace.ts'
import { openLevelStore } from '../store/level-store.ts'

/** A program for crash tests: `repair-child.ts DIRECTORY WORKSPACE` repairs one workspace of a store. */
const [directory = '', workspace = ''] = process.argv.slice(2)
const store = await openLevelStore({ directory, durability: 'sync' })
const note = { update: Uint8Array.of(0, 0), actor: 'repair', source: 'operator', connection: 'c', touched: [] }
await repairWorkspace(store, workspace, { directory, note })
await store.close()
