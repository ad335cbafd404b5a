import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LongWork } from '@joinery/blocks'
import type { Pace } from '@joinery/server'
import { TURN_MS, type TurnPace } from '../request-work.ts'

/**
 * Passes the items on, and lets other work run in between: a long replay must not block the sockets. It counts time, not
 * items, since one item may be a letter or a megabyte.
 *
 * @param pause waits between two parts; by default others have one turn of the event loop
 */
export async function* paced<T>(
  items: AsyncIterable<T>,
  pause: () => Promise<unknown> = () => nextTurn(),
): AsyncGenerator<T> {
  let since = performance.now()
  for await (const item of items) {
    yield item
    if (performance.now() - since < TURN_MS) continue
    await pause()
    since = performance.now()
  }
}

/**
 * Does long work in parts of some ms, with a pause between two, and resolves with its result. The work reads what does not change
 * meanwhile, such as a document of its own.
 *
 * @param nowMs a clock in ms that never goes back
 */
export async function inTurns<T>(
  work: LongWork<T>,
  pace: Pace,
  nowMs: () => number = () => performance.now(),
): Promise<T> {
  for (;;) {
    const step = pace.part(() => stepsOfTurn(work, nowMs))
    if (step.done) return step.value
    await pace.pause()
  }
}

/** Does the steps of one turn, at least one. Returns the last of them. */
export function stepsOfTurn<T>(
  work: LongWork<T>,
  nowMs: () => number = () => performance.now(),
): IteratorResult<undefined, T> {
  const endsAtMs = nowMs() + TURN_MS
  let step = work.next()
  while (!step.done && nowMs() < endsAtMs) step = work.next()
  return step
}

/**
 * As {@link paced}, for the items of a request: its caller pays for reading and processing them. Time in which the event loop
 * had other turns is nobody's: it was spent waiting for the disk.
 */
export async function* pacedFor<T>(items: AsyncIterable<T>, work: Pick<TurnPace, 'book' | 'pause'>): AsyncGenerator<T> {
  let since = performance.now()
  let turn = turns.now
  let takenMs = 0
  const take = (): void => {
    const nowMs = performance.now()
    if (turn === turns.now) takenMs += nowMs - since
    turn = turns.now
    since = nowMs
  }
  try {
    for await (const item of items) {
      take()
      yield item
      take()
      if (takenMs < TURN_MS) continue
      work.book(takenMs)
      takenMs = 0
      await work.pause()
      take()
    }
  } finally {
    take()
    work.book(takenMs)
  }
}

/** Counts the turns of the event loop in which it is asked. */
class TurnCounter {
  #turn = 0
  #isArmed = false

  /** The same in one turn, greater in a later one. */
  get now(): number {
    if (!this.#isArmed) {
      this.#isArmed = true
      setImmediate(() => {
        this.#isArmed = false
        this.#turn++
      })
    }
    return this.#turn
  }
}
const turns = new TurnCounter()
