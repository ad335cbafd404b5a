import { type Observable, ObservableValue } from './observable-value.ts'

/** State of a question to the server. */
export type Answer<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly error: unknown }

/**
 * One question to the server as an observable. The first listener makes it ask; it aborts when the last listener leaves before
 * the answer. An answer stays. After a failure the next first listener makes it ask again.
 */
export function answerTo<T>(ask: (signal: AbortSignal) => Promise<T>): Observable<Answer<T>> {
  const answer = new ObservableValue<Answer<T>>({ state: 'loading' })
  let listeners = 0
  let asking: AbortController | undefined
  const start = async ({ signal }: AbortController): Promise<void> => {
    answer.set({ state: 'loading' })
    try {
      const value = await ask(signal)
      if (!signal.aborted) answer.set({ state: 'ready', value })
    } catch (error) {
      if (!signal.aborted) answer.set({ state: 'failed', error })
    }
  }
  return {
    get: answer.get,
    subscribe: (listener) => {
      const unsubscribe = answer.subscribe(listener)
      if (listeners++ === 0 && answer.get().state !== 'ready') {
        asking = new AbortController()
        void start(asking)
      }
      let isListening = true
      return () => {
        unsubscribe()
        if (!isListening) return
        isListening = false
        if (--listeners === 0) asking?.abort()
      }
    },
  }
}
