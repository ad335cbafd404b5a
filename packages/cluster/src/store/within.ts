import type { SteadyClock } from '@joinery/log'

const ignore = (): void => undefined

/** Waits for `work` to settle, for so long at most. */
export async function within(clock: SteadyClock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  await Promise.race([work.then(ignore, ignore), promise])
  cancel()
}
