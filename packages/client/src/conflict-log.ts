import type { Conflict } from '@joinery/protocol'
import { type Observable, ObservableValue } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

/** Something written that stands beaten by something written concurrently, or too late to count; or two texts that met. */
export interface ConflictEntry extends Readonly<Omit<Conflict, 'type'>> {
  /** Unique in this log. */
  readonly id: string
  /** When it was told here, ms since epoch. */
  readonly atMs: number
}

/** Conflicts a person can look through; older ones fall out. A guess: more than this nobody reads. */
const ENTRIES_MAX = 100

/** The conflicts told while somebody listens, newest first. */
export interface ConflictLog extends Observable<readonly ConflictEntry[]> {
  /** Takes one out: it was read. */
  dismiss(id: string): void
  clear(): void
}

const logs = new WeakMap<Workspace, ConflictLog>()

/** The one log of a workspace. It takes notes from the first listener on until the last is gone, and keeps them. */
export function conflictLogOf(workspace: Workspace): ConflictLog {
  let log = logs.get(workspace)
  if (log === undefined) {
    log = createLog(workspace)
    logs.set(workspace, log)
  }
  return log
}

function createLog(workspace: Workspace): ConflictLog {
  const entries = new ObservableValue<readonly ConflictEntry[]>([])
  let count = 0
  let listeners = 0
  let stop: (() => void) | undefined
  const note = ({ type: _type, ...conflict }: Conflict): void => {
    const entry = { ...conflict, id: String(count++), atMs: Date.now() }
    entries.set([entry, ...entries.get()].slice(0, ENTRIES_MAX))
  }
  return {
    get: entries.get,
    subscribe: (listener) => {
      const unsubscribe = entries.subscribe(listener)
      if (listeners++ === 0) stop = workspace.onConflict(note)
      let isListening = true
      return () => {
        unsubscribe()
        if (!isListening) return
        isListening = false
        if (--listeners === 0) stop?.()
      }
    },
    dismiss: (id) => {
      const rest = entries.get().filter((entry) => entry.id !== id)
      if (rest.length < entries.get().length) entries.set(rest)
    },
    clear: () => {
      if (entries.get().length > 0) entries.set([])
    },
  }
}
