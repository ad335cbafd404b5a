import { createHash } from 'node:crypto'
import { touchedPaths } from '@joinery/blocks'
import { type ForeignWorkspace, readYLeveldb } from '@joinery/log/operations'
import { parseWorkspaceName, WORKSPACE_NAME_RULE } from '@joinery/protocol'
import * as Y from 'yjs'
import { AppError } from '../app-error.mts'

/** What the records say of where they are from. */
const STAMP = { actor: 'y-leveldb', source: 'instantiation', connection: 'import' } as const
const HASH_CHARACTERS = 8

/** A document of y-leveldb, made ready to be a workspace. */
export interface ConvertedDocument extends ForeignWorkspace {
  /** What it was called. */
  readonly name: string
  readonly updates: number
  /** Bytes of its one update. */
  readonly bytes: number
}

/**
 * The documents in a directory of y-leveldb, each as one record. With `isMending`, a name that is none for a workspace
 * becomes one; without, it rejects with {@link AppError} `usage`. Rejects with a `LogError` when they can't be read.
 */
export async function* convertYLeveldb(directory: string, isMending: boolean): AsyncGenerator<ConvertedDocument> {
  const taken = new Map<string, string>()
  for await (const { name, updates } of readYLeveldb(directory)) {
    const workspace = parseWorkspaceName(name) ?? (isMending ? mendName(name) : undefined)
    if (workspace === undefined) {
      const advice = `${WORKSPACE_NAME_RULE}; --mend-names makes it ${mendName(name)}`
      throw new AppError('usage', `document ${JSON.stringify(name)} has no workspace's name: ${advice}`)
    }
    const other = taken.get(workspace)
    if (other !== undefined) throw new AppError('failed', `${name} and ${other} would both be workspace ${workspace}`)
    taken.set(workspace, name)
    const { update, touched } = merge(name, updates)
    const entries = [{ ...STAMP, touched, update }]
    yield { name, workspace, entries, updates: updates.length, bytes: update.byteLength }
  }
}

/** A workspace's name as near as can be; the hash keeps apart what would become the same. */
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

/** All that the document knows as one update, what still waits for other updates included. */
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
