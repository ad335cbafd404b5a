import { type Observable, ObservableValue } from './observable-value.ts'

/** Where a question to the server stands. */
export type Answer<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly error: unknown }

/**
 * One question, asked when somebody begins to listen and left alone when nobody does any more before it is answered. An
 * answer stays; what failed is asked again by who listens next.
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
