import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { openLevelStore } from './level-store.ts'
import { describeEventStore } from './testing.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'joinery-log-'))
})
afterAll(() => rm(root, { recursive: true }))

for (const durability of ['async', 'sync'] as const) {
  describeEventStore(`LevelDB, ${durability}`, async (clock) =>
    openLevelStore({ directory: await mkdtemp(join(root, 'store-')), durability, clock }),
  )
}
