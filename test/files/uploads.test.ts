import { createHash } from 'node:crypto'
import { openAsBlob, writeFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { connectWorkspace, tasksOf, uploadsOf, type Workspace } from '@joinery/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { StoreProxy } from './store-proxy.ts'

const KIB = 1024
let directory: TempDirectory
let server: JoineryProcess
let workspace: Workspace

beforeAll(async () => {
  directory = await tempDirectory()
  const env = { JOINERY_LIMITS: `files.partBytes=${4 * KIB},files.uploadBytesMax=${64 * KIB},files.progressMs=100` }
  server = await startJoinery({ directory: directory.path, env })
  workspace = connectWorkspace({ url: server.url, workspace: 'files', actor: 'ada' })
  await workspace.whenSynced
})
afterAll(async () => {
  await workspace?.close()
  await server?.[Symbol.asyncDispose]()
  await directory?.[Symbol.asyncDispose]()
})

async function newBlock(): Promise<string> {
  const { id } = workspace.blocks.create({ type: 'text' })
  await workspace.whenDurable()
  return id
}

/** Bytes that no other test has. */
let made = 0
function contentOf(bytes: number): Buffer {
  return Buffer.alloc(bytes, createHash('sha256').update(`content ${made++}`).digest())
}
const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

async function call(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${server.url.replace('ws', 'http')}/v1/workspaces/files${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as never }
}

async function begin(block: string, content: Buffer, name = 'a.bin', sha256 = digestOf(content)) {
  const { body } = await call('POST', `/blocks/${block}/files`, { name, bytes: content.length, sha256 })
  return (body as { upload: { id: string; missing: number[]; partBytes: number; state: string; name: string } }).upload
}

async function send(id: string, content: Buffer, n: number): Promise<number> {
  const { body } = await call('POST', `/uploads/${encodeURIComponent(id)}/urls`, { parts: [n] })
  const [part] = (body as { urls: { url: string; bytes: number }[] }).urls
  const url = new URL(part?.url ?? '', server.url.replace('ws', 'http'))
  const from = (n - 1) * 4 * KIB
  return (await fetch(url, { method: 'PUT', body: new Uint8Array(content.subarray(from, from + (part?.bytes ?? 0))) }))
    .status
}

const statusOf = (block: string, name: string) => workspace.blocks.get(block)?.statuses('file@1').get(name)
const openUploads = async (): Promise<string[]> => {
  const all = await readdir(`${directory.path}/blobs`, { recursive: true })
  return all.filter((path) => path.includes('.uploads/'))
}

it('[C132, C135] a client uploads a file to a block, and everybody can download it', async () => {
  const block = await newBlock()
  const content = contentOf(50 * KIB + 7)
  const upload = uploadsOf(workspace).upload(block, new Blob([new Uint8Array(content)], { type: 'image/png' }), {
    name: 'p.png',
  })
  expect(uploadsOf(workspace).own.get()).toContain(upload)
  expect(await upload.finished).toMatchObject({ name: 'p.png', state: 'synced', bytes: content.length })
  expect(upload.state.get()).toMatchObject({ state: 'synced', sent: content.length, error: undefined })
  await expect.poll(() => statusOf(block, 'p.png')?.status).toBe('synced')
  expect(statusOf(block, 'p.png')).toMatchObject({
    source: 'resources',
    detail: { by: 'ada', type: 'image/png', bytes: content.length, sha256: digestOf(content) },
  })
  const found = await uploadsOf(workspace).download(block, 'p.png')
  expect(await uploadsOf(workspace).download(block, 'p.png')).toBe(found)
  const answer = await fetch(found.url)
  expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true)
  const middle = await fetch(found.url, { headers: { range: 'bytes=10-19' } })
  expect([middle.status, Buffer.from(await middle.arrayBuffer())]).toEqual([206, content.subarray(10, 20)])
  expect(await openUploads()).toEqual([])
})

it('[RU9, C133, H113] the same content goes on with the missing parts, under another name, too, and is not uploaded twice', async () => {
  const block = await newBlock()
  const content = contentOf(18 * KIB)
  const first = await begin(block, content)
  expect(first).toMatchObject({ state: 'open', missing: [1, 2, 3, 4, 5] })
  for (const n of [2, 5]) expect(await send(first.id, content, n)).toBe(204)
  const incomplete = await call('POST', `/uploads/${encodeURIComponent(first.id)}/complete`)
  expect(incomplete).toMatchObject({
    status: 409,
    body: { error: { code: 'upload_incomplete', details: { missing: [1, 3, 4] } } },
  })
  const again = await begin(block, content, 'renamed.bin')
  expect(again).toMatchObject({ id: first.id, name: 'a.bin', missing: [1, 3, 4] })
  await uploadsOf(workspace).upload(block, new Blob([new Uint8Array(content)])).finished
  const third = await begin(block, content, 'third.bin')
  expect(third).toMatchObject({ id: first.id, state: 'synced' })
  const elsewhere = await begin(await newBlock(), content)
  expect(elsewhere).toMatchObject({ state: 'open', missing: [] })
  await call('POST', `/uploads/${encodeURIComponent(elsewhere.id)}/complete`)
  await expect
    .poll(async () => (await call('GET', `/uploads/${encodeURIComponent(elsewhere.id)}`)).body)
    .toMatchObject({ upload: { state: 'synced' } })
})

it('[RU17, C134] a latecomer sees how much has arrived, although the person who uploads has left', async () => {
  const block = await newBlock()
  const content = contentOf(18 * KIB)
  const upload = await begin(block, content, 'half.bin')
  for (const n of [5, 2]) expect(await send(upload.id, content, n)).toBe(204)
  const late = connectWorkspace({ url: server.url, workspace: 'files', actor: 'late' })
  try {
    await expect
      .poll(() => late.blocks.get(block)?.statuses('file@1').get('half.bin'))
      .toMatchObject({
        ...{ status: 'syncing', progress: 6 * KIB, total: 18 * KIB, source: 'resources', actor: 'joinery' },
        detail: { sha256: digestOf(content) },
      })
    // A part comes again, and one more comes.
    for (const n of [5, 1]) expect(await send(upload.id, content, n)).toBe(204)
    await expect.poll(() => statusOf(block, 'half.bin')).toMatchObject({ status: 'syncing', progress: 10 * KIB })
    await tasksOf(workspace).cancel(upload.id)
    await expect.poll(() => statusOf(block, 'half.bin')?.status).toBe('failed')
  } finally {
    await late.close()
  }
})

it('[RU8] bytes of another digest make the upload fail, with the cause, and leave nothing', async () => {
  const block = await newBlock()
  const content = contentOf(5 * KIB)
  const upload = await begin(block, content, 'wrong.bin', digestOf(contentOf(1)))
  for (const n of upload.missing) expect(await send(upload.id, content, n)).toBe(204)
  await call('POST', `/uploads/${encodeURIComponent(upload.id)}/complete`)
  await expect
    .poll(() => statusOf(block, 'wrong.bin'))
    .toMatchObject({ status: 'failed', error: expect.stringContaining('SHA-256') })
  expect(await openUploads()).toEqual([])
  expect(await call('GET', `/blocks/${block}/files/wrong.bin`)).toMatchObject({
    status: 404,
    body: { error: { code: 'unknown_file' } },
  })
  const next = await begin(block, content, 'wrong.bin')
  expect(next).toMatchObject({ name: 'wrong.bin', state: 'open', missing: [1, 2] })
  await tasksOf(workspace).cancel(next.id)
})

it('[RU7] an upload that is canceled leaves nothing, and says so', async () => {
  const block = await newBlock()
  const content = contentOf(9 * KIB)
  const upload = await begin(block, content, 'c.bin')
  expect(await send(upload.id, content, 1)).toBe(204)
  expect((await openUploads()).length).toBeGreaterThan(0)
  await tasksOf(workspace).cancel(upload.id)
  await expect.poll(() => statusOf(block, 'c.bin')).toMatchObject({ status: 'failed', error: 'canceled by ada' })
  await expect.poll(openUploads).toEqual([])
  const late = await call('POST', `/uploads/${encodeURIComponent(upload.id)}/urls`, { parts: [2] })
  expect(late).toMatchObject({ status: 404, body: { error: { code: 'unknown_upload' } } })
})

it('[H113, H114] bad input is answered with a code, and begins nothing', async () => {
  const block = await newBlock()
  const sha256 = digestOf(contentOf(1))
  const good = { name: 'a', bytes: 10, sha256 }
  const starts: [unknown, number, string, string?][] = [
    [{ ...good, bytes: 64 * KIB + 1 }, 413, 'too_large'],
    [{ ...good, bytes: -1 }, 422, 'invalid'],
    [{ ...good, bytes: 1e300 }, 422, 'invalid'],
    [{ ...good, sha256: 'A'.repeat(64) }, 422, 'invalid'],
    [{ ...good, name: '' }, 422, 'invalid'],
    [{ ...good, extra: 1 }, 422, 'invalid'],
    [good, 404, 'unknown_block', 'no-such-block'],
  ]
  for (const [body, status, code, id = block] of starts) {
    const answer = await call('POST', `/blocks/${id}/files`, body)
    expect([body, answer.status, answer.body]).toMatchObject([body, status, { error: { code } }])
  }
  const upload = await begin(block, contentOf(5 * KIB))
  const path = `/uploads/${encodeURIComponent(upload.id)}`
  for (const parts of [[0], [3], [1.5], [], Array.from({ length: 101 }, () => 1)]) {
    expect(await call('POST', `${path}/urls`, { parts })).toMatchObject({
      status: 422,
      body: { error: { code: 'invalid' } },
    })
  }
  const urls = await call('POST', `${path}/urls`, { parts: [1] })
  expect(urls.headers.get('cache-control')).toBe('no-store')
  const foreign = await fetch(`${server.url.replace('ws', 'http')}/v1/workspaces/other${path}`)
  expect([foreign.status, await foreign.json()]).toMatchObject([404, { error: { code: 'unknown_task' } }])
  expect((await call('GET', '/uploads/nonsense')).status).toBeGreaterThanOrEqual(400)
  await tasksOf(workspace).cancel(upload.id)
})

it('[C136] an upload says that something answers for the store, sends its parts again, and ends where no repeat would help', async () => {
  let inVain = 2
  let status = 200
  const proxy = await StoreProxy.open(server.url.replace('ws', 'http'), {
    fateOf: ({ method }) => (method === 'PUT' && inVain-- > 0 ? { answer: { status } } : undefined),
  })
  const behind = connectWorkspace({ url: proxy.origin.replace('http', 'ws'), workspace: 'files', actor: 'bob' })
  try {
    const block = await newBlock()
    const upload = uploadsOf(behind).upload(block, new Blob([new Uint8Array(contentOf(3 * KIB))]), { name: 'v.bin' })
    const told: (string | undefined)[] = []
    upload.state.subscribe(() => told.push(upload.state.get().error))
    expect(await upload.finished).toMatchObject({ state: 'synced' })
    expect(told).toContainEqual(expect.stringContaining('the store has none of them'))
    expect(upload.state.get()).toMatchObject({ state: 'synced', error: undefined })

    inVain = 1
    status = 413
    const large = uploadsOf(behind).upload(block, new Blob([new Uint8Array(contentOf(30 * KIB))]), { name: 'l.bin' })
    await expect(large.finished).rejects.toMatchObject({
      code: 'upload_failed',
      message: expect.stringMatching(/4096 bytes \(413\).*files\.partBytes/),
    })
    expect(large.state.get().state).toBe('failed')

    const path = `${directory.path}/chosen.bin`
    await writeFile(path, contentOf(3 * KIB))
    const chosen = await openAsBlob(path)
    inVain = 0
    const gone = uploadsOf(behind).upload(block, chosen, { name: 'g.bin' })
    gone.state.subscribe(() => {
      if (gone.state.get().id !== undefined && gone.state.get().sent === 0) writeFileSync(path, 'another content')
    })
    await expect(gone.finished).rejects.toMatchObject({
      code: 'upload_failed',
      message: expect.stringContaining('can’t be read any more'),
    })
    // The server has ended them, too: nothing stays open in the store.
    for (const { name } of [large.state.get(), gone.state.get()])
      await expect.poll(() => statusOf(block, name)?.status, { message: name }).toBe('failed')
  } finally {
    await behind.close()
    await proxy.close()
  }
})
