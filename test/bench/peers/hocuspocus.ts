/**
 * Hocuspocus on one SQLite file, through its own database extension and Node's own SQLite: the same one-blob-per-document
 * upsert as its SQLite extension.
 * usage: node hocuspocus.ts PORT DIRECTORY
 */
import { Server } from '@hocuspocus/server'
import { sqliteStorage } from './hocuspocus-storage.ts'

const [port, directory] = process.argv.slice(2)
if (port === undefined || directory === undefined) throw new Error('usage: node hocuspocus.ts PORT DIRECTORY')
const storage = sqliteStorage(directory)
await new Server({ port: Number(port), address: '127.0.0.1', quiet: true, extensions: [storage] }).listen()
console.log('hocuspocus listening')
