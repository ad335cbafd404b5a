import { dirname } from 'node:path'
import type { Revocation } from '@joinery/server'
import { headOfArchive, listArchives } from './archive-file.mts'
import { parseRevoked } from './revocations-file.mts'

/** The revocations that a restore keeps, and the archives beside it that could not be asked for theirs. */
export interface ArchivedRevocations {
  readonly revoked: readonly Revocation[]
  readonly unreadable: readonly string[]
}

/**
 * The revocations in an archive, and in the other backups of the same store that lie beside it: a restore of an older backup
 * must not let back in who was locked out since. Rejects with `corrupted` for the archive itself.
 */
export async function archivedRevocations(file: string): Promise<ArchivedRevocations> {
  const { storeId, attached } = await headOfArchive(file)
  const revoked = revokedIn(attached)
  const unreadable: string[] = []
  for (const other of await listArchives(dirname(file))) {
    if (other === file) continue
    try {
      const head = await headOfArchive(other)
      if (head.storeId === storeId) revoked.push(...revokedIn(head.attached))
    } catch {
      // The caller tells the operator.
      unreadable.push(other)
    }
  }
  return { revoked, unreadable }
}

function revokedIn(attached: string | undefined): Revocation[] {
  return attached === undefined ? [] : [...parseRevoked(attached)]
}
