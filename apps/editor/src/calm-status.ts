import type { Observable, SaveStatus } from '@joinery/client'

/** Time that all must have been saved before "saved" is shown, ms: longer than pauses between two keystrokes. */
const CALM_MS = 300

/**
 * The save status without flicker. Each letter is saved some milliseconds after it was typed, so `saved` would be drawn,
 * and read aloud, after each one. Here `saved` shows once it has been true for 300 ms, and every other status at once.
 */
export function calmStatus(status: Observable<SaveStatus>): Observable<SaveStatus> {
  let shown: SaveStatus | undefined
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let unsubscribe: () => void = () => undefined
  const show = (): void => {
    clearTimeout(timer)
    timer = undefined
    shown = status.get()
    for (const listener of [...listeners]) listener()
  }
  const onChange = (): void => {
    if (status.get().state !== 'saved') show()
    else timer ??= setTimeout(show, CALM_MS)
  }
  return {
    get: () => shown ?? status.get(),
    subscribe: (listener) => {
      if (listeners.size === 0) {
        shown = status.get()
        unsubscribe = status.subscribe(onChange)
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        unsubscribe()
        clearTimeout(timer)
        timer = undefined
        shown = undefined
      }
    },
  }
}
