import type { EventStore } from '../event-store.ts'

/**
 * The outcome of `work`, unless storage fails before: then the storage error at once, since a store that failed goes on by
 * itself once it can, which may be never. `work`'s signal aborts then, too, and with `signal`; what it still comes to is
 * nobody's business any more. Throws the storage error before `work` begins while storage fails already.
 */
export async function whileStorageWorks<T>(
  store: EventStore,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (store.state.state === 'failed') throw store.state.error
  const stop = new AbortController()
  const failed = Promise.withResolvers<never>()
  const unsubscribe = store.onStateChange((state) => {
    if (state.state !== 'failed') return
    stop.abort(state.error)
    failed.reject(state.error)
  })
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const working = (async () => work(either))()
  try {
    return await Promise.race([working, failed.promise])
  } finally {
    unsubscribe()
    working.catch(() => undefined)
  }
}
