import { createHash } from 'node:crypto'
import { touchedPaths } from '@joinery/blocks'
import { type ForeignWorkspace, readYLeveldb } from '@joinery/log/operations'
import { parseWorkspaceName, WORKSPACE_NAME_RULE } from '@joinery/protocol'
import * as Y from 'yjs'
import { AppError } from '../app-error.mts'

/** Author of the imported records. */
const STAMP = { actor: 'y-leveldb', source: 'instantiation', connection: 'import' } as const
const HASH_CHARACTERS = 8

/** A document of y-leveldb, converted to a workspace. */
export interface ConvertedDocument extends ForeignWorkspace {
  /** Name of the document in y-leveldb. */
  readonly name: string
  readonly updates: number
  /** Bytes of its one update. */
  readonly bytes: number
}

/**
 * Converts the documents in a directory of y-leveldb, each to one record. A name that no workspace can have is changed if
 * `isMending`; otherwise it rejects with {@link AppError} `usage`. Rejects with a `LogError` if a document can't be read.
 */
export async function* convertYLeveldb(directory: string, isMending: boolean): AsyncGenerator<ConvertedDocument> {
  const taken = new Map<string, string>()
  for await (const { name, updates } of readYLeveldb(directory)) {
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
    const entries = [{ ...STAMP, touched, update }]
    yield { name, workspace, entries, updates: updates.length, bytes: update.byteLength }
  }
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
