import { randomInt } from 'node:crypto'

/** Time from which fences count, ms since epoch: 2026-01-01. */
const BEGIN_MS = Date.UTC(2026, 0, 1)
/** Milliseconds that a fence can hold: 69 years. Numbers above are left for clocks that are wrong. */
const SPAN_MS = 2 ** 41
/** Fences of one millisecond. Two lines of history that both draw from it seldom draw the same. */
const STEPS = 2 ** 11
/**
 * Time by which the fences of a copy begin ahead of the clock, ms. An older copy does not know which fences were given since.
 * They may have come from a clock that was a day ahead, and the present clock may be a day behind.
 */
const COPY_AHEAD_MS = 3 * 86_400_000

/**
 * The fence of the next lease: greater than `last`, and greater than every fence that was given while the clock showed an
 * earlier time. So fences grow where only an older copy of the last one is left.
 *
 * @param wallMs the server's time, ms since epoch. A wrong clock makes no fence smaller than `last`.
 */
export function nextFence(last: number, wallMs: number, random: (below: number) => number = randomInt): number {
  const elapsedMs = Math.min(Math.max(Math.trunc(wallMs) - BEGIN_MS, 0), SPAN_MS - 1)
  const next = Math.max(last + 1, elapsedMs * STEPS) + random(STEPS)
  if (Number.isSafeInteger(next)) return next
  // 2^52 leases and more after the span.
  throw new RangeError('all fences of this workspace are given')
}

/** The number above which the fences of a copy begin, whose own last fence is `last`. */
export function fenceOfCopy(last: number, wallMs: number, random: (below: number) => number = randomInt): number {
  return nextFence(last, wallMs + COPY_AHEAD_MS, random)
}
