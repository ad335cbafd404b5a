import { createHash } from 'node:crypto'
import { touchedPaths } from '@joinery/blocks'
import type { ForeignWorkspace } from '@joinery/log/operations'
import { parseWorkspaceName, WORKSPACE_NAME_RULE } from '@joinery/protocol'
import { formatOfUpdate, relaying } from '@joinery/server'
import * as Y from 'yjs'
import { AppError } from '../app-error.mts'
import { firstStatusIn } from './foreign-statuses.mts'

const HASH_CHARACTERS = 8
/** Documents whose faults are listed; their number says how many more there are. */
const FAULTS_MAX = 20

/** A document as another program stores it. */
export interface StoredDocument {
  readonly name: string
  /** Yjs updates, the oldest first. */
  readonly updates: readonly Uint8Array[]
}

/** A document of another program, converted to a workspace. */
export interface ConvertedDocument extends ForeignWorkspace {
  /** Name of the document in the other program. */
  readonly name: string
  readonly updates: number
  /** Bytes of its one update. */
  readonly bytes: number
}

/** The fault of one stored document. The others are still looked at, so that one run names all faults. */
export class DocumentFault extends Error {}

export interface ConvertOptions {
  /** Names that no workspace can have are changed. */
  readonly isMending: boolean
  /** Statuses of resources are taken in, although nobody knows who said them. */
  readonly keepsStatuses: boolean
}

/**
 * Converts documents, each to one record of `actor`. The record says nothing about who owns the client ids in it, so that the
 * people who wrote the documents go on under their ids. A name that no workspace can have is changed if `isMending`; otherwise
 * it rejects with {@link AppError} `usage`. Rejects with {@link AppError} `failed` after the last document if any can't be
 * converted, or holds statuses of resources and `keepsStatuses` is false.
 *
 * @param documents documents, and the faults of those that can't be read
 */
export async function* convertDocuments(
  actor: string,
  documents: AsyncIterable<StoredDocument | DocumentFault>,
  { isMending, keepsStatuses }: ConvertOptions,
): AsyncGenerator<ConvertedDocument> {
  const stamp = { actor, source: 'instantiation', connection: relaying('import') }
  const taken = new Map<string, string>()
  const faults: string[] = []
  for await (const document of documents) {
    if (document instanceof DocumentFault) {
      faults.push(document.message)
      continue
    }
    const { name, updates } = document
    const workspace = parseWorkspaceName(name) ?? (isMending ? mendName(name) : undefined)
    if (workspace === undefined) {
      const advice = `${WORKSPACE_NAME_RULE}; --mend-names makes it ${mendName(name)}`
      throw new AppError('usage', `no workspace can have the name of document ${JSON.stringify(name)}: ${advice}`)
    }
    const other = taken.get(workspace)
    if (other !== undefined)
      throw new AppError(
        'failed',
        `documents ${name} and ${other} would both become workspace ${workspace}: rename one of them`,
      )
    taken.set(workspace, name)
    const { update, touched } = merge(name, updates)
    const said = keepsStatuses ? undefined : firstStatusIn(update)
    if (said !== undefined) {
      const what = `says that ${said.machine} "${said.name}" is ${said.status}`
      faults.push(
        `document ${name} ${what}, and nobody has checked who said it: give --keep-statuses if you trust where the documents come from`,
      )
      continue
    }
    const entries = [{ ...stamp, touched, update }]
    yield { name, workspace, entries, updates: updates.length, bytes: update.byteLength }
  }
  if (faults.length === 0) return
  const shown = faults.slice(0, FAULTS_MAX)
  const more = faults.length - shown.length
  throw new AppError('failed', `nothing was imported: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`)
}

/** Bytes as one Yjs V1 update. Bytes of a V2 update are converted. Throws {@link DocumentFault} for any other bytes. */
export function asV1(bytes: Uint8Array, what: string): Uint8Array {
  const format = formatOfUpdate(bytes)
  if (format === 'v1') return bytes
  // As V1, bytes that read as both only delete. A whole document has content.
  const hasContent = format === 'both' && Y.decodeUpdateV2(bytes).structs.length > 0
  if (format === 'v2' || hasContent) return Y.convertUpdateFormatV2ToV1(bytes)
  if (format === 'both')
    throw new DocumentFault(`${what} has no content, and its deletions can be read as V1 and as V2: leave it out`)
  throw new DocumentFault(`${what} is not one whole Yjs update (${bytes.length} bytes)`)
}

/** Makes a workspace's name from a document's name. A hash keeps names apart that would otherwise become the same. */
export function mendName(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_CHARACTERS)
  const plain = name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9._~:-]+/g, '-')
    .replaceAll(/\.{2,}/g, '.')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100)
  return plain === '' ? `document-${hash}` : `${plain}-${hash}`
}

/** Merges the updates of a document into one, including those that still wait for a missing update. */
function merge(name: string, updates: readonly Uint8Array[]): { update: Uint8Array; touched: string[] } {
  const doc = new Y.Doc()
  let touched: string[] = []
  doc.on('afterTransaction', (transaction) => {
    touched = touchedPaths(transaction)
  })
  try {
    doc.transact(() => {
      for (const update of updates) Y.applyUpdate(doc, update)
    })
    return { update: Y.encodeStateAsUpdate(doc), touched }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('failed', `document ${name} can't be loaded: ${reason}`, { cause })
  } finally {
    doc.destroy()
  }
}
