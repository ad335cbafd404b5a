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

/** Throws the signal's reason if it has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal)
}

/** Aborts with `reason`, which React Native's signals would not keep. */
export function abort(controller: AbortController, reason: unknown): void {
  const { signal } = controller
  // Before: listeners read it.
  if (!('reason' in signal)) Object.defineProperty(signal, 'reason', { value: reason })
  controller.abort(reason)
}

/** React Native's signals have no reason. */
function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? new Error('it was aborted')
}

/** Calls `listener` with the reason when `signal` aborts, at once if it has aborted already. Returns the function that stops listening. */
export function whenAborted(signal: AbortSignal, listener: (reason: unknown) => void): () => void {
  const tell = (): void => listener(reasonOf(signal))
  if (signal.aborted) tell()
  else signal.addEventListener('abort', tell, { once: true })
  return () => signal.removeEventListener('abort', tell)
}
