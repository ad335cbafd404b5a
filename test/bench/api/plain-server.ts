import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'

/** The plain alternative: blocks as JSON rows, compare-and-set by a version column, one writer. No live clients, no history. */
const { directory, durability, port } = JSON.parse(process.argv[2] ?? '{}')
const database = new DatabaseSync(join(directory, 'plain.sqlite'))
database.exec('PRAGMA journal_mode = WAL')
// NORMAL survives a killed process, FULL a power cut: what `async` and `sync` promise.
database.exec(`PRAGMA synchronous = ${durability === 'sync' ? 'FULL' : 'NORMAL'}`)
database.exec('CREATE TABLE blocks (id TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID')
const select = database.prepare('SELECT version, json FROM blocks WHERE id = ?')
const upsert = database.prepare('INSERT OR REPLACE INTO blocks (id, version, json) VALUES (?, ?, ?)')

interface Row {
  readonly version: number
  readonly json: string
}
const app = Fastify()
const path = '/v1/workspaces/:workspace/blocks/:block'
const read = (id: string) => select.get(id) as Row | undefined

app.get<{ Params: { block: string } }>(path, (request, reply) => {
  const row = read(request.params.block)
  if (row === undefined) return reply.code(404).send({ error: { code: 'unknown_block' } })
  return reply.header('etag', `"${row.version}"`).send({ ...JSON.parse(row.json), version: row.version })
})
app.route<{ Params: { block: string }; Body: { fields?: object } }>({
  method: ['PUT', 'PATCH'],
  url: path,
  handler: (request, reply) => {
    const row = read(request.params.block)
    const expected = request.headers['if-match']
    if (expected !== undefined && expected !== `"${row?.version}"`) return reply.code(409).send({ current: row?.json })
    const before = row === undefined ? {} : JSON.parse(row.json)
    const block = { ...before, ...request.body, fields: { ...before.fields, ...request.body.fields } }
    const version = (row?.version ?? 0) + 1
    upsert.run(request.params.block, version, JSON.stringify(block))
    return reply.header('etag', `"${version}"`).send({ ...block, version })
  },
})
await app.listen({ port, host: '127.0.0.1' })
console.log('listening')
