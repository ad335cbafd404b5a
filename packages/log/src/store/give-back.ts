import type { HistoryKeeperHost } from './history-keeper.ts'
import { tidy } from './tidy.ts'

/** Fewest bytes for which LevelDB is made to rewrite its tables at once. It drops fewer bytes itself in time. */
const GIVE_BACK_FROM_BYTES = 1024 * 1024

/**
 * LevelDB keeps deleted bytes until it next rewrites the tables that hold them. Makes it do so for `range`, in which
 * nearly everything is deleted, unless the range takes too few bytes in tables.
 */
export async function giveBack(host: HistoryKeeperHost, range: { gte: Uint8Array; lte: Uint8Array }): Promise<void> {
  if ((await host.disk.approximateBytes(range)) >= GIVE_BACK_FROM_BYTES) await tidy(host, range)
}
