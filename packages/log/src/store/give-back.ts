import type { HistoryKeeperHost } from './history-keeper.ts'
import { tidy } from './tidy.ts'

/** From here on it pays to have LevelDB rewrite its tables at once: what is less it drops by and by. */
const GIVE_BACK_FROM_BYTES = 1024 * 1024

/**
 * Deleted is not gone: LevelDB keeps the bytes until it next rewrites the tables they are in. Has it do so, unless `range`,
 * in which nearly everything is deleted, takes too little in tables to be worth it.
 */
export async function giveBack(host: HistoryKeeperHost, range: { gte: Uint8Array; lte: Uint8Array }): Promise<void> {
  if ((await host.disk.approximateBytes(range)) >= GIVE_BACK_FROM_BYTES) await tidy(host, range)
}
