import { join } from 'node:path'

/** The folder of uploaded files in a data directory, and beside the archives of its backups. */
export function filesFolderOf(directory: string): string {
  return join(directory, 'blobs')
}
