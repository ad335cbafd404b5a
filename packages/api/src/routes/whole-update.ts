import { UpdateEncoding, type WorkspaceId, type Workspaces, type WorkspaceView } from '@joinery/server'
import type * as Y from 'yjs'
import { assertKnown } from '../known-workspace.ts'
import { type RequestWork, TURN_MS } from '../request-work.ts'
import { pointOf } from './reads.ts'
import type { Services } from './services.ts'

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

interface Whole {
  readonly lsn: number
  readonly update: Uint8Array | undefined
}

/** A document as one Yjs V1 update and the LSN of its last record; no update if the caller has that version. Encoded in turns. */
export async function wholeUpdate(
  { workspaces, history }: Services,
  { workspace, at, since, isKnown, work }: Asked,
): Promise<Whole> {
  if (at === undefined) {
    const known = ({ head: lsn }: WorkspaceView) => (isKnown(lsn) ? { lsn, update: undefined } : undefined)
    return currentUpdate<Whole>(workspaces, {
      workspace,
      since,
      work,
      known,
      found: ({ head: lsn }, update) => ({ lsn, update }),
    })
  }
  return history.during(workspace, pointOf(at), work, async ({ doc, lsn }, pace) => {
    if (isKnown(lsn)) return { lsn, update: undefined }
    const encoding = new UpdateEncoding(doc, since)
    for (;;) {
      const update = partOf(encoding, work)
      if (update !== undefined) return { lsn, update }
      await pace.pause()
    }
  })
}

interface AskedNow<T> extends Pick<Asked, 'workspace' | 'since' | 'work'> {
  /** The answer if no update is needed. */
  readonly known?: (view: WorkspaceView) => T | undefined
  /** The answer with the update of the workspace as it is in that turn. */
  readonly found: (view: WorkspaceView, update: Uint8Array) => T
}

/** Encodes a workspace as of now as one Yjs V1 update, in turns between which it may change. */
export async function currentUpdate<T extends object>(
  workspaces: Workspaces,
  { workspace, since, work, known, found }: AskedNow<T>,
): Promise<T> {
  let encoded: { readonly doc: Y.Doc; readonly encoding: UpdateEncoding } | undefined
  const readPart = (view: WorkspaceView): T | undefined => {
    assertKnown(workspace, view)
    const answer = known?.(view)
    if (answer !== undefined) return answer
    const { doc } = view
    // The room may have rebuilt its document.
    if (encoded?.doc !== doc) encoded = { doc, encoding: new UpdateEncoding(doc, since) }
    const update = partOf(encoded.encoding, work)
    return update && found(view, update)
  }
  for (;;) {
    const answer = await workspaces.read(workspace, readPart, work.payer.principal)
    if (answer !== undefined) return answer
    await work.pause()
  }
}

function partOf(encoding: UpdateEncoding, work: RequestWork): Uint8Array | undefined {
  const sinceMs = performance.now()
  return work.part(() => encoding.part(() => performance.now() - sinceMs >= TURN_MS))
}
