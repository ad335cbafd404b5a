import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long items are taken before everybody else has a turn: much less than anybody notices. */
const TURN_MS = 5

/**
 * The same items, with turns for everybody else in between: a long replay must not hold up the sockets. By time and not by
 * count, since one item may be a letter or a megabyte.
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
