import type { Conflict } from '@joinery/protocol'
import { type Observable, ObservableValue } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

/** A conflict that was reported: a write that lost to a concurrent one or came too late, or two edits of the same text. */
export interface ConflictEntry extends Readonly<Omit<Conflict, 'type'>> {
  /** Unique in this log. */
  readonly id: string
  /** When this client heard of it, ms since epoch. */
  readonly atMs: number
}

/** Entries kept; older ones are dropped. Guessed: a person does not read more. */
const ENTRIES_MAX = 100

/** The conflicts reported while the log has listeners, newest first. */
export interface ConflictLog extends Observable<readonly ConflictEntry[]> {
  /** Removes one entry: a person has read it. */
  dismiss(id: string): void
  clear(): void
}

const logs = new WeakMap<Workspace, ConflictLog>()

/** The one conflict log of `workspace`. It records while it has listeners, and keeps its entries when the last one leaves. */
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
