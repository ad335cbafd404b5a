import { FIELD_ORDER_RULES, type FieldClaim, ORDER_RULES, observeBlocks, type StatusClaim } from '@joinery/blocks'
import type { Observable, Workspace } from '@joinery/client'
import { followDoc } from './follow-doc.ts'

/** Something written that stands beaten by something written concurrently, or too late to count. */
export type ConflictEntry = {
  /** Unique in this log. */
  readonly id: string
  readonly blockId: string
  /** The rule that decided, in words. */
  readonly rule: string
  /** When it was noticed here, ms since epoch. */
  readonly atMs: number
} & (
  | { readonly kind: 'status'; readonly winner: StatusClaim; readonly loser: StatusClaim }
  | { readonly kind: 'field'; readonly winner: FieldClaim; readonly loser: FieldClaim }
)

/** Conflicts a person can look through; older ones fall out. A guess: more than this nobody reads. */
const ENTRIES_MAX = 100

/** The conflicts noticed while somebody listens, newest first. */
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
  let entries: readonly ConflictEntry[] = []
  let count = 0
  let stop: (() => void) | undefined
  const listeners = new Set<{ call: () => void }>()
  const set = (next: readonly ConflictEntry[]): void => {
    entries = next
    for (const listener of [...listeners]) listener.call()
  }
  const start = (): (() => void) =>
    followDoc(
      workspace,
      (doc) =>
        observeBlocks(doc, ({ changed }) => {
          const atMs = Date.now()
          const found = changed.flatMap(({ id: blockId, indexing, fields }): ConflictEntry[] => [
            ...(indexing?.conflicts ?? []).map(({ winner, loser, rule }) => ({
              ...{ id: String(count++), blockId, atMs, kind: 'status' as const, winner, loser },
              rule: ORDER_RULES[rule as keyof typeof ORDER_RULES],
            })),
            ...(fields?.conflicts ?? []).map(({ winner, loser, rule }) => ({
              ...{ id: String(count++), blockId, atMs, kind: 'field' as const, winner, loser },
              rule: FIELD_ORDER_RULES[rule as keyof typeof FIELD_ORDER_RULES],
            })),
          ])
          if (found.length > 0) set([...found.reverse(), ...entries].slice(0, ENTRIES_MAX))
        }),
      () => undefined,
    )
  return {
    get: () => entries,
    subscribe: (listener) => {
      const entry = { call: listener }
      listeners.add(entry)
      stop ??= start()
      return () => {
        listeners.delete(entry)
        if (listeners.size > 0) return
        stop?.()
        stop = undefined
      }
    },
    dismiss: (id) => set(entries.filter((entry) => entry.id !== id)),
    clear: () => set([]),
  }
}
