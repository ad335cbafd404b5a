import { setImmediate as nextTurn } from 'node:timers/promises'

/** Items taken before the event loop gets its turn: about a millisecond of applying typed updates. */
const CHUNK = 200

/** The same items, with turns for everybody else in between: a long replay must not hold up the sockets. */
export async function* paced<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let taken = 0
  for await (const item of items) {
    yield item
    if (++taken % CHUNK === 0) await nextTurn()
  }
}
