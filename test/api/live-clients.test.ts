import { createBlock, getBlock, listBlocks } from '@joinery/blocks'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { type ApiProcess, startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'

const W = '/v1/workspaces/w'
let directory: TempDirectory
let server: ApiProcess
let caller: HttpCaller
beforeEach(async () => {
  directory = await tempDirectory()
  server = await startApiServer({ directory: directory.path })
  caller = new HttpCaller(server.url)
})
afterEach(async () => {
  caller[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

const open = () => RawClient.open({ url: `ws://127.0.0.1:${server.port}`, path: 'w', wantsJoinery: true })
const shown = (client: RawClient) => JSON.stringify(listBlocks(client.doc).map((block) => block.toJSON()))

async function expectConverged(clients: readonly RawClient[]): Promise<void> {
  const { json } = await caller.call('GET', `${W}/blocks`)
  const blocks = json.blocks.map(({ version: _version, updatedBy: _by, ...block }: Record<string, unknown>) => block)
  for (const client of clients)
    await until('the client shows what the server says', () => shown(client) === JSON.stringify(blocks))
}

it('[H2] a text written from an older state is merged with what people typed since', async () => {
  const client = await open()
  await caller.call('PUT', `${W}/blocks/b`, { type: 'text', content: 'first line\nsecond line\n' })
  await until('the block is here', () => getBlock(client.doc, 'b') !== undefined)
  const { content, version } = (await caller.call('GET', `${W}/blocks/b`)).json
  getBlock(client.doc, 'b')?.content.insert(0, 'typed: ')
  getBlock(client.doc, 'b')?.content.delete(12, 5)
  await until('all is durable', () => client.framesDurable === client.framesSent)
  const next = `${content.replace('second', '2nd')}third line\n`
  const key = { 'idempotency-key': 'k' }
  const written = await caller.call('PATCH', `${W}/blocks/b?based_on=${version}`, { content: next }, key)
  expect(written.json.content).toBe('typed: first\n2nd line\nthird line\n')
  expect((await caller.call('PATCH', `${W}/blocks/b?based_on=${version}`, { content: next }, key)).json).toEqual(
    written.json,
  )
  await expectConverged([client])
  await caller.call('DELETE', `${W}/blocks/b`)
  await caller.call('PUT', `${W}/blocks/b`, { type: 'text' })
  const other = await caller.call('PATCH', `${W}/blocks/b?based_on=${version}`, { content: next })
  expect(other.status).toBe(409)
  expect(other.json).toMatchObject({ error: { code: 'version_conflict' }, current: { content: '' } })
  await client.close()
})

it('[H12] live clients converge on a restore while they go on typing', async () => {
  const clients = [await open(), await open(), await open()]
  await caller.call('PUT', `${W}/blocks/a`, { type: 'text', content: 'as it was', fields: { n: 1 } })
  await caller.call('POST', `${W}/blocks/a/indexing/main/runs`, { runId: 'r' })
  await caller.call('POST', `${W}/blocks/a/indexing/main/runs/r/reports`, { status: 'done', chunks: 3 })
  const { lsn } = (await caller.call('GET', W)).json
  await caller.call('PATCH', `${W}/blocks/a`, { content: 'something else entirely', fields: { n: 2 } })
  await caller.call('POST', `${W}/blocks/a/indexing/main/runs`, {})
  await expectConverged(clients)
  const typing = clients.map(async (client, index) => {
    for (let n = 0; n < 20; n++) {
      createBlock(client.doc, `typed-${index}`, { type: 'text' }).content.insert(0, `${n} `)
      await until('the keystroke is durable', () => client.framesDurable === client.framesSent)
    }
  })
  const restored = await caller.call('POST', `${W}/restore`, { lsn })
  expect(restored.status).toBe(200)
  await Promise.all(typing)
  await expectConverged(clients)
  expect((await caller.call('GET', `${W}/blocks/a`)).json).toMatchObject({
    content: 'as it was',
    fields: { n: 1 },
    indexingList: [{ index_name: 'main', status: 'done', chunks: 3, run: { no: 3 } }],
  })
  for (const client of clients) {
    expect(client.rejections).toEqual([])
    await client.close()
  }
})
