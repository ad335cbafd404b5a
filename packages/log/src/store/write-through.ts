import type { Write } from '../records/write.ts'
import type { LevelStore } from './level-store.ts'

/** Writes past any workspace's log, in one batch; with `sync` resolves when it is on the disk. Throws the storage error. */
export function writeThrough(
  store: LevelStore,
  writes: readonly Write[],
  { sync = false }: { sync?: boolean } = {},
): Promise<void> {
  if (writes.length === 0) return Promise.resolve()
  store.assertOpen()
  const group = store.group()
  group.writes.push(...writes)
  if (sync) group.needsSync = true
  return group.durable
}
