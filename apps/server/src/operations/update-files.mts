import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../app-error.mts'
import { asV1, DocumentFault, type StoredDocument } from './foreign-documents.mts'
import { explained } from './open-operator.mts'

const SUFFIX = '.bin'

/**
 * The documents in the files `<name>.bin` of a directory, in the order of their names; the name is percent-encoded. Each file
 * is one Yjs update, in V1 or V2. Files with other names are passed over. Rejects with {@link AppError} `failed` when there is
 * none.
 */
export async function* readUpdateFiles(directory: string): AsyncGenerator<StoredDocument | DocumentFault> {
  const entries = await explained(() => readdir(directory, { withFileTypes: true }))
  const files = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith(SUFFIX)).map(({ name }) => name)
  if (files.length === 0) {
    throw new AppError(
      'failed',
      `${directory} holds no file <name>${SUFFIX}: put one Yjs update there for each document`,
    )
  }
  for (const file of files.sort()) {
    const bytes = await explained(() => readFile(join(directory, file)))
    yield documentIn(file, bytes)
  }
}

function documentIn(file: string, bytes: Uint8Array): StoredDocument | DocumentFault {
  try {
    return { name: decodeURIComponent(file.slice(0, -SUFFIX.length)), updates: [asV1(bytes, file)] }
  } catch (error) {
    if (error instanceof DocumentFault) return error
    if (error instanceof URIError) return new DocumentFault(`${file} is no percent-encoded name: write a "%" as %25`)
    throw error
  }
}
