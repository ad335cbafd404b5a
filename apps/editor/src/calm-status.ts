import type { Observable, SaveStatus } from '@joinery/client'

/** Time that all must have been saved before "saved" is shown, ms: longer than pauses between two keystrokes. */
const CALM_MS = 300

/**
 * The save status without flicker. Each letter is saved some milliseconds after it was typed, so `saved` would be drawn,
 * and read aloud, after each one. Here `saved` shows once it has been true for 300 ms, and every other status at once. While edits
 * are being saved, their number alone changes nothing.
 */
export function calmStatus(status: Observable<SaveStatus>): Observable<SaveStatus> {
  let shown: SaveStatus | undefined
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let unsubscribe: () => void = () => undefined
  const endWait = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  const show = (): void => {
    endWait()
    shown = status.get()
    for (const listener of [...listeners]) listener()
  }
  const onChange = (): void => {
    const next = status.get()
    if (next.state === 'saved') timer ??= setTimeout(show, CALM_MS)
    else if (shown === undefined || !isSaidAlike(shown, next)) show()
    else endWait()
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
        endWait()
        shown = undefined
      }
    },
  }
}

/** Whether a person reads the same of both: some edits are being saved, or none. */
function isSaidAlike(a: SaveStatus, b: SaveStatus): boolean {
  if (a.state !== 'saving' || b.state !== 'saving') return false
  return a.pending > 0 === b.pending > 0 && a.isAlone === b.isAlone
}
