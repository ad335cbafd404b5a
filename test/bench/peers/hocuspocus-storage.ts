import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Database } from '@hocuspocus/extension-database'

/** Keeps the documents of a Hocuspocus server in one SQLite file. `pragmas`, such as `journal_mode = wal`, are set before its table is made. */
export function sqliteStorage(directory: string, pragmas: readonly string[] = []): Database {
  const database = new DatabaseSync(join(directory, 'documents.sqlite'))
  for (const pragma of pragmas) database.exec(`pragma ${pragma}`)
  database.exec('create table if not exists documents (name text primary key, data blob not null)')
  const select = database.prepare('select data from documents where name = ?')
  const upsert = database.prepare(
    'insert into documents (name, data) values (?, ?) on conflict (name) do update set data = excluded.data',
  )
  return new Database({
    fetch: async ({ documentName }) => {
      const data = select.get(documentName)?.data
      return data instanceof Uint8Array ? data : null
    },
    store: async ({ documentName, state }) => {
      upsert.run(documentName, state)
    },
  })
}
