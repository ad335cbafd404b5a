/** Options of a wait that the caller may give up. Every wait of this package takes them. */
export interface WaitOptions {
  /** Ends the wait: it rejects at once with the signal's reason, and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined
}

/** Settles as `promise` does, or rejects with the signal's reason if the signal aborts first. Leaves no listener on the signal. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = whenAborted(signal, reject)
    promise.then(resolve, reject).finally(stop)
  })
}

/** Calls `listener` with the reason when `signal` aborts, at once if it has aborted already. Returns the function that stops listening. */
export function whenAborted(signal: AbortSignal, listener: (reason: unknown) => void): () => void {
  const tell = (): void => listener(signal.reason)
  if (signal.aborted) tell()
  else signal.addEventListener('abort', tell, { once: true })
  return () => signal.removeEventListener('abort', tell)
}
