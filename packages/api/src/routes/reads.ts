import type { LongWork } from '@joinery/blocks'
import type { Point, Stamps, WorkspaceId, WorkspaceView } from '@joinery/server'
import type * as Y from 'yjs'
import { z } from 'zod'
import { stepsOfTurn } from '../history/paced.ts'
import { assertKnown } from '../known-workspace.ts'
import type { RequestWork } from '../request-work.ts'
import { pointQuery } from '../schemas.ts'
import type { Services } from './services.ts'

/** Characters of JSON after which a page ends: a thousand of the largest blocks would block the server for seconds. */
const PAGE_CHARS_MAX = 2_000_000
export const atQuery = z.strictObject({ at: pointQuery.optional() })
/** Headers of a read of one block or edge. */
export const readHeaders = z.object({
  'if-none-match': z.string().optional().meta({ description: 'the ETag of the version that the caller has' }),
})

/** Runs `read` on the workspace as it is now, or as it was at a point of the past. Throws `unknown_workspace`. */
export async function stateAt<T>(
  { workspaces, history }: Services,
  asked: { readonly workspace: string; readonly at: string | undefined; readonly work: RequestWork },
  read: (doc: Y.Doc, stamps: Stamps, lsn: number) => T,
): Promise<T> {
  const { at, work } = asked
  const workspace = asked.workspace as WorkspaceId
  if (at !== undefined) {
    return history.read(workspace, pointOf(at), work, ({ doc, stamps, lsn }) => read(doc, stamps, lsn))
  }
  const readNow = (view: WorkspaceView): T => {
    assertKnown(workspace, view)
    return work.part(() => read(view.doc, view.stamps, view.head))
  }
  return workspaces.read(workspace, readNow, work.payer.principal)
}

/**
 * As {@link stateAt}, for work that grows with the workspace: it is done in turns. The document of now may change between two of them, and
 * the work begins anew when the room has built it anew.
 */
export async function stateInTurns<T>(
  { workspaces, history }: Services,
  asked: { readonly workspace: string; readonly at: string | undefined; readonly work: RequestWork },
  read: (doc: Y.Doc, stamps: Stamps, lsn: number) => LongWork<T>,
): Promise<T> {
  const { at, work } = asked
  const workspace = asked.workspace as WorkspaceId
  if (at !== undefined) {
    return history.readInTurns(workspace, pointOf(at), work, ({ doc, stamps, lsn }) => read(doc, stamps, lsn))
  }
  let reading: { readonly doc: Y.Doc; readonly steps: LongWork<T> } | undefined
  const readNow = (view: WorkspaceView): IteratorResult<undefined, T> => {
    assertKnown(workspace, view)
    const { doc, stamps, head } = view
    if (reading?.doc !== doc) reading = { doc, steps: read(doc, stamps, head) }
    const { steps } = reading
    return work.part(() => stepsOfTurn(steps))
  }
  for (;;) {
    const step = await workspaces.read(workspace, readNow, work.payer.principal)
    if (step.done) return step.value
    await work.pause()
  }
}

/** Parses a text that has passed `pointQuery`. */
export function pointOf(text: string): Point {
  return /^\d+$/.test(text) ? { lsn: Number(text) } : { at: Date.parse(text) }
}

/**
 * The views of one page, at most `limit`, shorter where they are large. `next` is the id of the last one, null where no more items follow.
 * `items` has one more than `limit` where there are more.
 */
export function pageOf<Item, View extends { readonly id: string }>(
  items: readonly Item[],
  limit: number,
  view: (item: Item) => View,
): { readonly views: View[]; readonly next: string | null } {
  const views: View[] = []
  let chars = 0
  for (const item of items.slice(0, limit)) {
    const viewed = view(item)
    views.push(viewed)
    chars += JSON.stringify(viewed).length
    if (chars >= PAGE_CHARS_MAX) break
  }
  return { views, next: items.length > views.length ? (views.at(-1)?.id ?? null) : null }
}
