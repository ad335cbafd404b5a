import { access } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../app-error.mts'
import { asV1, DocumentFault, type StoredDocument } from './foreign-documents.mts'
import { explained } from './open-operator.mts'

/** How long a read waits while Hocuspocus writes, ms. */
const BUSY_MS = 5_000

/**
 * The documents in the store of Hocuspocus' SQLite extension: a table `documents` of names and Yjs updates. The file is opened
 * for reading only. All documents are read in one transaction, so that they are of one moment, also while Hocuspocus runs.
 * Rejects with {@link AppError} `failed` for a file that is no such store, or is damaged.
 */
export async function* readHocuspocusSqlite(file: string): AsyncGenerator<StoredDocument | DocumentFault> {
  await explained(() => access(file))
  const database = attempt(file, () => new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS }))
  try {
    attempt(file, () => database.exec('begin'))
    assertIsStore(file, database)
    const rows = attempt(file, () => database.prepare('select name, data from documents order by name').iterate())
    for (;;) {
      const row = attempt(file, () => rows.next())
      if (row.done) return
      yield documentIn(row.value)
    }
  } finally {
    database.close()
  }
}

function assertIsStore(file: string, database: DatabaseSync): void {
  const columns = attempt(file, () => database.prepare("select name from pragma_table_info('documents')").all())
  const names = columns.map(({ name }) => name)
  if (!names.includes('name') || !names.includes('data')) {
    throw new AppError('failed', `${file} is no store of Hocuspocus: it has no table documents with name and data`)
  }
  const [found] = attempt(file, () => database.prepare('pragma quick_check(1)').all())
  if (found?.quick_check !== 'ok') throw new AppError('failed', `${file} is damaged: ${String(found?.quick_check)}`)
}

function documentIn({ name, data }: Record<string, unknown>): StoredDocument | DocumentFault {
  const what = `document ${JSON.stringify(name)}`
  if (typeof name !== 'string') return new DocumentFault(`${what} has no name`)
  if (!(data instanceof Uint8Array)) return new DocumentFault(`${what} has no bytes`)
  try {
    return { name, updates: [asV1(data, what)] }
  } catch (error) {
    if (error instanceof DocumentFault) return error
    throw error
  }
}

/** Runs `work`; turns an error of SQLite into {@link AppError} `failed`. */
function attempt<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') throw error
    throw new AppError('failed', `${file} can't be read as SQLite: ${error.message}`, { cause: error })
  }
}
