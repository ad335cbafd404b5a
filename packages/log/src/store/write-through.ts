import type { Write } from '../records/write.ts'
import type { LevelStore } from './level-store.ts'

/**
 * Writes one batch that belongs to no open log. Resolves when it is durable; with `sync`, when it is on the disk.
 * Throws the storage error.
 */
export function writeThrough(
  store: LevelStore,
  writes: readonly Write[],
  { sync = false }: { sync?: boolean } = {},
): Promise<void> {
  if (writes.length === 0) return Promise.resolve()
  store.assertOpen()
  return store.group().add(writes, { sync })
}
