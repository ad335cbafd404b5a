import {
  type ClaimAuthor,
  type ClaimList,
  type DocumentContent,
  forkDoc,
  pathText,
  planRestore,
  type RestorePlan,
  restoreDocument,
  touchedPaths,
  type Unrestorable,
} from '@joinery/blocks'
import * as Y from 'yjs'
import { ApiError } from '../api-error.ts'

/** Paths and unrestorable places that one answer names. The rest is counted. */
export const TOLD_MAX = 1_000

/** The effects of a restore before it is made. */
export interface RestorePreview {
  /** The paths that it would touch. */
  readonly touched: readonly string[]
  readonly unrestorable: readonly Unrestorable[]
}

/**
 * Tries the restore on a copy. Stock clients may have put values into a document that nobody foresees, and an edit that
 * throws costs a rebuild of the document. An update between the trial and the edit may still cost one.
 */
export function tryRestore(
  doc: Y.Doc,
  past: DocumentContent,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): RestorePreview {
  const copy = forkDoc(doc)
  try {
    const plan = planRestore(copy, past, lists)
    let touched: readonly string[] = []
    copy.on('afterTransaction', (transaction: Y.Transaction) => {
      touched = touchedPaths(transaction)
    })
    Y.transact(copy, (transaction) => restoreDocument(transaction, plan, author, lists))
    return { touched, unrestorable: plan.unrestorable }
  } finally {
    copy.destroy()
  }
}

/** Throws `not_restorable` if the past holds something that does not come back, unless the caller wants the rest all the same. */
export function assertRestorable({ unrestorable }: RestorePlan, isPartial: boolean): void {
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
