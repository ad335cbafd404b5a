import type { LogState } from './event-store.ts'

/** A store, or one log of it: whatever says whether it takes appends. */
interface Storage {
  readonly state: LogState
  onStateChange(listener: (state: LogState) => void): () => void
}

/**
 * Does `work` on a store or a log, and resolves with its outcome. If storage fails before, or the log is fenced, it rejects
 * with that error at once: storage may never work again. The signal that `work` gets is aborted then, and when `signal` is;
 * what `work` does after that is ignored. Rejects before `work` begins if storage fails already.
 */
export async function whileStorageWorks<T>(
  storage: Storage,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const error = errorOf(storage.state)
  if (error !== undefined) throw error
  const stop = new AbortController()
  const failed = Promise.withResolvers<never>()
  const unsubscribe = storage.onStateChange((state) => {
    const error = errorOf(state)
    if (error === undefined) return
    stop.abort(error)
    failed.reject(error)
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

function errorOf(state: LogState): Error | undefined {
  return state.state === 'failed' || state.state === 'fenced' ? state.error : undefined
}
