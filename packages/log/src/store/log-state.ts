import type { LogState, StoreState } from '../event-store.ts'
import type { LogError } from '../log-error.ts'

/** A store whose logs are fenced all together or not at all. */
interface FencedTogether {
  readonly state: StoreState
  /** Why nothing is written any more; undefined as long as the store may write. */
  readonly fence: LogError | undefined
  onStateChange(listener: (state: StoreState) => void): () => void
}

/** The state of each log in the store. */
export function logStateOf({ state, fence }: FencedTogether): LogState {
  return fence === undefined ? state : { state: 'fenced', error: fence }
}

/** Calls `listener` as the store's state changes, and no more once the logs are fenced. Returns unsubscribe. */
export function onLogStateChange(store: FencedTogether, listener: (state: LogState) => void): () => void {
  let isFinal = store.fence !== undefined
  return store.onStateChange(() => {
    if (isFinal) return
    isFinal = store.fence !== undefined
    listener(logStateOf(store))
  })
}
