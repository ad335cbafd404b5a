import { UpdateEncoding, type WorkspaceId } from '@joinery/server'
import type * as Y from 'yjs'
import { assertKnown } from '../known-workspace.ts'
import type { RequestWork } from '../request-work.ts'
import { pointOf } from './block-routes.ts'
import type { Services } from './services.ts'

/** How long an update is encoded before others have their turn, ms: less than anybody notices. */
const TURN_MS = 5

interface Asked {
  readonly workspace: WorkspaceId
  /** A point in the past, as `pointQuery` takes it. */
  readonly at: string | undefined
  /** The Yjs state vector of a reader who gets only what is missing there. */
  readonly since: Uint8Array | undefined
  /** Whether the caller has the version with this LSN. */
  readonly isKnown: (lsn: number) => boolean
  readonly work: RequestWork
}

/** A document as one Yjs V1 update and the LSN of its last record; no update if the caller has that version. Encoded in turns. */
export async function wholeUpdate(
  { workspaces, history }: Services,
  { workspace, at, since, isKnown, work }: Asked,
): Promise<{ readonly lsn: number; readonly update: Uint8Array | undefined }> {
  if (at === undefined) {
    let encoded: { readonly doc: Y.Doc; readonly encoding: UpdateEncoding } | undefined
    for (;;) {
      const found = await workspaces.read(workspace, (view) => {
        assertKnown(workspace, view)
        const { doc, head: lsn } = view
        if (isKnown(lsn)) return { lsn, update: undefined }
        // The room may have rebuilt its document.
        if (encoded?.doc !== doc) encoded = { doc, encoding: new UpdateEncoding(doc, since) }
        const update = partOf(encoded.encoding, work)
        return update && { lsn, update }
      })
      if (found !== undefined) return found
      await work.pause()
    }
  }
  const { doc, lsn } = await history.open(workspace, pointOf(at), work)
  try {
    if (isKnown(lsn)) return { lsn, update: undefined }
    const encoding = new UpdateEncoding(doc, since)
    for (;;) {
      const update = partOf(encoding, work)
      if (update !== undefined) return { lsn, update }
      await work.pause()
    }
  } finally {
    doc.destroy()
  }
}

function partOf(encoding: UpdateEncoding, work: RequestWork): Uint8Array | undefined {
  const sinceMs = performance.now()
  return work.part(() => encoding.part(() => performance.now() - sinceMs >= TURN_MS))
}
