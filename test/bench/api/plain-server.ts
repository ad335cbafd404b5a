import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'
import { blockParams, blockSchema, patchSchema } from './plain-schemas.ts'

/**
 * The plain alternative: blocks as JSON rows, compare-and-set by a version column, requests and answers held to schemas
 * as Fastify does it. One writer; no live clients, no history, no merging, nobody's name beside a change.
 */
const { directory, durability, port } = JSON.parse(process.argv[2] ?? '{}')
const database = new DatabaseSync(join(directory, 'plain.sqlite'))
database.exec('PRAGMA journal_mode = WAL')
// NORMAL survives a killed process, FULL a power cut: what `async` and `sync` promise. Under NORMAL a power cut takes all
// since the last checkpoint, under `async` what the last group window held.
database.exec(`PRAGMA synchronous = ${durability === 'sync' ? 'FULL' : 'NORMAL'}`)
database.exec('CREATE TABLE blocks (id TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID')
const select = database.prepare('SELECT version, json FROM blocks WHERE id = ?')
const upsert = database.prepare('INSERT OR REPLACE INTO blocks (id, version, json) VALUES (?, ?, ?)')

interface Row {
  readonly version: number
  readonly json: string
}
interface Block {
  readonly fields: Readonly<Record<string, unknown>>
}
const NEW_BLOCK = { type: '', content: '', indexingList: [], fields: {}, statuses: [], data: {} }
const app = Fastify()
const path = '/v1/workspaces/:workspace/blocks/:block'
const read = (id: string) => select.get(id) as Row | undefined

app.get<{ Params: { block: string } }>(
  path,
  { schema: { params: blockParams, response: { 200: blockSchema } } },
  (request, reply) => {
    const row = read(request.params.block)
    if (row === undefined) return reply.code(404).send({ error: { code: 'unknown_block' } })
    return reply.header('etag', `"${row.version}"`).send({ ...JSON.parse(row.json), version: row.version })
  },
)
app.route<{ Params: { block: string }; Body: Partial<Block> }>({
  method: ['PUT', 'PATCH'],
  url: path,
  schema: { params: blockParams, body: patchSchema, response: { 200: blockSchema } },
  handler: (request, reply) => {
    const { block: id } = request.params
    const row = read(id)
    const expected = request.headers['if-match']
    if (expected !== undefined && expected !== `"${row?.version}"`) return reply.code(409).send({ current: row?.json })
    const before: Block = row === undefined ? NEW_BLOCK : JSON.parse(row.json)
    const updatedBy = { source: 'user_action', actor: String(request.headers['x-joinery-actor']), at: Date.now() }
    const block = { ...before, id, ...request.body, fields: { ...before.fields, ...request.body.fields }, updatedBy }
    const version = (row?.version ?? 0) + 1
    upsert.run(id, version, JSON.stringify(block))
    return reply.header('etag', `"${version}"`).send({ ...block, version })
  },
})
await app.listen({ port, host: '127.0.0.1' })
console.log('listening')
