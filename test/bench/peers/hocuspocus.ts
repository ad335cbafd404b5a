/**
 * Hocuspocus on one SQLite file, through its own database extension and Node's own SQLite: the same one-blob-per-document
 * upsert as its SQLite extension.
 * usage: node hocuspocus.ts PORT DIRECTORY
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Database } from '@hocuspocus/extension-database'
import { Server } from '@hocuspocus/server'

const [port, directory] = process.argv.slice(2)
if (port === undefined || directory === undefined) throw new Error('usage: node hocuspocus.ts PORT DIRECTORY')
const database = new DatabaseSync(join(directory, 'documents.sqlite'))
database.exec('create table if not exists documents (name text primary key, data blob not null)')
const select = database.prepare('select data from documents where name = ?')
const upsert = database.prepare(
  'insert into documents (name, data) values (?, ?) on conflict (name) do update set data = excluded.data',
)
const storage = new Database({
  fetch: async ({ documentName }) => {
    const data = select.get(documentName)?.data
    return data instanceof Uint8Array ? data : null
  },
  store: async ({ documentName, state }) => {
    upsert.run(documentName, state)
  },
})
await new Server({ port: Number(port), address: '127.0.0.1', quiet: true, extensions: [storage] }).listen()
console.log('hocuspocus listening')
