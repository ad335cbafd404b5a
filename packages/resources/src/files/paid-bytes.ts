import { setTimeout as wait } from 'node:timers/promises'

/** Has the files of a scope pay for the time of the event loop that their bytes take. */
export interface BytePayer {
  /** Books work of so many ms. */
  book(scope: string, ms: number): void
  /** Time until the scope is within its budget again, ms; 0 when it is. */
  restOf(scope: string): number
}

/** Nobody pays: for programs that serve nobody else. */
export const FREE_BYTES: BytePayer = { book: () => undefined, restOf: () => 0 }

/** Time that a MiB takes from the disk to a socket, ms of CPU, measured. To write and hash one takes about as long. */
const MIB_MS = 2
const MIB = 1024 * 1024
/** Time between two looks at the budget of a scope that rests, ms. */
const LOOK_MS = 100

/** The same bytes, for which their scope pays. While it is over budget, it gets no more of them, and others go on. */
export async function* paidBytes(
  chunks: AsyncIterable<Uint8Array>,
  scope: string,
  payer: BytePayer,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    payer.book(scope, (chunk.length / MIB) * MIB_MS)
    for (let restMs = payer.restOf(scope); restMs > 0; restMs = payer.restOf(scope))
      await wait(Math.min(restMs, LOOK_MS))
  }
}
