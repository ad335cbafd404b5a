import {
  type ClaimAuthor,
  type ClaimList,
  type DocumentContent,
  type DocumentScope,
  joinScopes,
  type LongWork,
  pathText,
  planningRestore,
  type RestorePlan,
  restoreEdits,
  scopeOfPaths,
  splittingRestore,
  touchedPaths,
  type Unrestorable,
} from '@joinery/blocks'
import type { Past, WorkspaceView } from '@joinery/server'
import * as Y from 'yjs'
import { ApiError } from '../api-error.ts'
import { TURN_MS } from '../request-work.ts'

/** Paths and unrestorable places that one answer names. The rest is counted. */
export const TOLD_MAX = 1_000

/**
 * Bounds of one edit of a restore. It is one turn, which reads and compares the blocks, edits them and encodes the edit: some 30 ms of CPU
 * time for so many small blocks that were changed, and 15 to 35 ms for so many characters of texts that were replaced.
 */
const RESTORED_AT_ONCE = { itemsMax: 250, weightMax: 100_000 }

/** The effects of a restore before it is made. */
export interface RestorePreview {
  /** LSN of the state that it was tried on. */
  readonly lsn: number
  /** The parts of the workspace that it would touch: nothing else differs. */
  readonly scope: DocumentScope
  /** The same in parts, at least one, of which each is restored by one edit. */
  readonly parts: DocumentScope[]
  /** The paths that it would touch. */
  readonly touched: readonly string[]
  readonly unrestorable: readonly Unrestorable[]
}

/**
 * The steps to a restore that is tried on a copy, which it edits. Stock clients may have put values into a document that nobody
 * foresees, and an edit that throws costs a rebuild of the document. An update between the trial and the edit may still cost one.
 */
export function* tryingRestore(
  { doc: copy, lsn }: Past,
  past: DocumentContent,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): LongWork<RestorePreview> {
  const plan = yield* planningRestore(copy, past, lists)
  const parts = yield* splittingRestore(plan, RESTORED_AT_ONCE)
  const touched = new Set<string>()
  copy.on('afterTransaction', (transaction: Y.Transaction) => {
    for (const path of touchedPaths(transaction)) touched.add(path)
  })
  const edits = restoreEdits(plan, author, lists)
  for (let isDone = false; !isDone; ) {
    const endsAtMs = performance.now() + TURN_MS
    Y.transact(copy, (transaction) => {
      do {
        const edit = edits.next()
        isDone = edit.done === true
        if (!edit.done) edit.value(transaction)
      } while (!isDone && performance.now() < endsAtMs)
    })
    yield
  }
  const { scope, unrestorable } = plan
  return { lsn, scope, parts, touched: [...touched], unrestorable }
}

/**
 * The part of a workspace to look at when a restore is made: what differed when it was tried, and what others have changed since. The rest
 * shows what it showed then.
 *
 * @param own LSNs of the edits that the restore has made already
 */
export function scopeOfRestore(
  { lsn, scope }: Pick<RestorePreview, 'lsn' | 'scope'>,
  { head, stamps }: WorkspaceView,
  own: ReadonlySet<number>,
): DocumentScope {
  if (head <= lsn) return scope
  const isLater = (at: number): boolean => at > lsn && !own.has(at)
  const later = [...stamps.entries()].flatMap(([path, stamp]) => (isLater(stamp.lsn) ? [path] : []))
  return joinScopes(scope, scopeOfPaths(later))
}

/** Throws `not_restorable` if the past holds something that does not come back, unless the caller wants the rest all the same. */
export function assertRestorable({ unrestorable }: Pick<RestorePlan, 'unrestorable'>, isPartial: boolean): void {
  const [first] = unrestorable
  if (first === undefined || isPartial) return
  const rest = unrestorable.length > 1 ? `, and ${unrestorable.length - 1} more` : ''
  throw new ApiError(
    'not_restorable',
    `${first.why} (${pathText(first)})${rest}: send "partial": true to restore the rest`,
    { details: { unrestorable: unrestorable.slice(0, TOLD_MAX), count: unrestorable.length } },
  )
}

/** The lists of statuses among touched paths, which came back as new runs. */
export function statusesIn(
  touched: readonly string[],
  lists: readonly ClaimList[],
): { readonly block: string; readonly list: string }[] {
  const names = new Map(lists.filter(({ mark }) => mark === 'run').map(({ part, told }) => [part, told.list]))
  return touched.flatMap((path) => {
    const [block = '', part = ''] = path.split('/')
    const list = names.get(part)
    return list === undefined ? [] : [{ block, list }]
  })
}
