import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long items are processed before other work has a turn, ms: less than anybody notices. */
const TURN_MS = 5

/**
 * Passes the items on, and lets other work run in between: a long replay must not block the sockets. It counts time, not
 * items, since one item may be a letter or a megabyte.
 */
export async function* paced<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let since = performance.now()
  for await (const item of items) {
    yield item
    if (performance.now() - since < TURN_MS) continue
    await nextTurn()
    since = performance.now()
  }
}
