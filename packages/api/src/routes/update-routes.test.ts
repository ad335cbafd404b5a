import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { createAuthenticator, signToken } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'
import { readEvents } from '../testing/event-source.ts'

const BYTES = { 'content-type': 'application/octet-stream' }
const MIB = 1024 * 1024

/** A document with content in every kind of root type. */
function anyDocument(): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('quill').insert(0, 'bold', { bold: true })
  doc.getText('quill').insertEmbed(4, { image: 'a.png' })
  doc.getMap('nodes').set('n1', new Y.Map([['at', [1, 2]]]))
  doc.getArray('list').push(['one', new Uint8Array([1, 2, 3])])
  const paragraph = new Y.XmlElement('paragraph')
  paragraph.insert(0, [new Y.XmlText('ProseMirror')])
  doc.getXmlFragment('prosemirror').insert(0, [paragraph])
  return doc
}

async function get(api: ApiFixture, query = '', headers: Record<string, string> = {}, method = 'GET') {
  const answer = await fetch(`${api.server.url}/v1/workspaces/w/update${query}`, { method, headers })
  return { status: answer.status, headers: answer.headers, bytes: new Uint8Array(await answer.arrayBuffer()) }
}

async function post(api: ApiFixture, update: Uint8Array, headers: Record<string, string> = {}, query = '') {
  const body = Buffer.from(update)
  const url = `${api.server.url}/v1/workspaces/w/update${query}`
  const answer = await fetch(url, { method: 'POST', headers: { ...BYTES, ...headers }, body })
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes, and each test says what it expects
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
}

/** Makes a document of so many MiB. Each update is so small that it is not refused for its cost, on a busy machine either. */
async function postText(api: ApiFixture, mib: number): Promise<void> {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let part = 0; part < mib; part += 2) doc.getText('t').insert(part * MIB, 'x'.repeat(2 * MIB))
  for (const update of updates) expect((await post(api, update)).status).toBe(200)
}

function expectSame(bytes: Uint8Array, doc: Y.Doc, into = new Y.Doc()): void {
  Y.applyUpdate(into, bytes)
  for (const name of doc.share.keys()) into.get(name)
  const [a, b] = [Y.snapshot(into), Y.snapshot(doc)]
  expect(Y.equalSnapshots(a, b)).toBe(true)
}

const since = (doc: Y.Doc) => `?since=${Buffer.from(Y.encodeStateVector(doc)).toString('base64url')}`

describe('GET update', () => {
  it('[H40] the whole document, or what a state vector lacks, is one V1 update with its LSN as version', async () => {
    await using api = await ApiFixture.start()
    const doc = anyDocument()
    const before = Y.encodeStateAsUpdate(doc)
    await post(api, before)
    const first = await get(api)
    expect([first.status, first.headers.get('etag'), first.headers.get('x-joinery-lsn')]).toEqual([200, '"1"', '1'])
    expect(first.headers.get('content-type')).toBe('application/octet-stream')
    expectSame(first.bytes, doc)
    const copy = new Y.Doc()
    Y.applyUpdate(copy, first.bytes)
    doc.getText('quill').insert(0, 'x'.repeat(1_000))
    await post(api, Y.encodeStateAsUpdate(doc))
    const rest = await get(api, since(copy))
    expect(rest.bytes.length).toBeLessThan(1_100)
    expectSame(rest.bytes, doc, copy)
  })

  it('[H40] a reader that has the version gets 304, HEAD has the headers alone, and the past is read at an LSN', async () => {
    await using api = await ApiFixture.start()
    const doc = anyDocument()
    await post(api, Y.encodeStateAsUpdate(doc))
    const then = Y.encodeStateAsUpdate(doc)
    doc.getMap('nodes').set('n2', 2)
    await post(api, Y.encodeStateAsUpdate(doc))
    const known = await get(api, '', { 'if-none-match': 'W/"2"' })
    expect([known.status, known.headers.get('etag'), known.bytes.length]).toEqual([304, '"2"', 0])
    const head = await get(api, '', {}, 'HEAD')
    expect([head.status, head.bytes.length]).toEqual([200, 0])
    expect(Number(head.headers.get('content-length'))).toBe((await get(api)).bytes.length)
    const past = new Y.Doc()
    Y.applyUpdate(past, then)
    for (const name of doc.share.keys()) past.get(name)
    const at = await get(api, '?at=1')
    expect(at.headers.get('etag')).toBe('"1"')
    expectSame(at.bytes, past)
  })

  it('[H40] no workspace is made by reading, and what is no state vector is refused', async () => {
    await using api = await ApiFixture.start()
    expect((await get(api)).status).toBe(404)
    await post(api, Y.encodeStateAsUpdate(anyDocument()))
    for (const bad of ['', 'AQ', 'AAAA', '{}', '%00'])
      expect([bad, (await get(api, `?since=${bad}`)).status]).toEqual([bad, 422])
    expect((await get(api, '?since=AA==')).status).toBe(200)
  })

  for (const [stall, updateStallMs, status] of [
    ['waits', 600_000, 503],
    ['is given up on', 2_000, 200],
  ] as const) {
    it(`[H42] while a reader that reads nothing ${stall}, its large document counts against others`, async () => {
      await using api = await ApiFixture.start({ limits: { updatesInFlightBytesMax: 20 * MIB, updateStallMs } })
      await postText(api, 16)
      const socket = connect(Number(new URL(api.server.url).port), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write('GET /v1/workspaces/w/update HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
      await once(socket, 'readable')
      // On a busy machine, this test's own reads may be given up on as well. Then they fail, and are tried again.
      const statusOfRead = (): Promise<number> =>
        get(api).then(
          (answer) => answer.status,
          () => 0,
        )
      await expect.poll(statusOfRead).toBe(status)
      socket.destroy()
      await expect.poll(statusOfRead).toBe(200)
    })
  }
})

describe('POST update', () => {
  it('[H41, H10, H19] history and feed say where edits may be those of others, as under two new client ids', async () => {
    await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    const ada = await bearer('ada')
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'one')
    expect((await post(api, Y.encodeStateAsUpdate(doc), ada)).status).toBe(200)
    const seen = Y.encodeStateVector(doc)
    for (const client of [11, 12]) {
      doc.clientID = client
      doc.getText('t').insert(0, 'more')
    }
    expect((await post(api, Y.encodeStateAsUpdate(doc, seen), ada)).status).toBe(200)
    const marks = [
      { lsn: 1, actor: 'ada', connection: 'http', mayBeOthers: false },
      { lsn: 2, actor: 'ada', connection: 'http', mayBeOthers: true },
    ]
    expect((await api.call('GET', '/history', undefined, ada)).body.records).toMatchObject(marks)
    const told: unknown[] = []
    const stop = new AbortController()
    const url = `${api.server.url}/v1/workspaces/w/events?after=0`
    for await (const { data } of readEvents(url, { headers: ada, signal: stop.signal })) {
      if (told.push(data) === 2) break
    }
    stop.abort()
    expect(told).toMatchObject(marks)
  })

  it('[H41] an update of any root type is one record of the caller, and repeats change nothing', async () => {
    await using api = await ApiFixture.start()
    const doc = anyDocument()
    const update = Y.encodeStateAsUpdate(doc)
    const made = await post(api, update, { 'x-joinery-actor': 'importer', 'idempotency-key': 'k1' })
    expect([made.status, made.body, made.headers.get('x-joinery-lsn')]).toEqual([200, { lsn: 1, changed: true }, '1'])
    const again = await post(api, update, { 'x-joinery-actor': 'importer', 'idempotency-key': 'k1' })
    expect(again.body).toEqual({ lsn: 1, changed: true })
    expect((await post(api, update)).body).toEqual({ lsn: 1, changed: false })
    const { records } = (await api.call('GET', '/history')).body
    expect(records).toMatchObject([{ lsn: 1, actor: 'importer' }])
    const other = await post(api, Y.encodeStateAsUpdate(anyDocument()), { 'idempotency-key': 'k1' })
    expect([other.status, other.body.error.code]).toEqual([422, 'key_reused'])
  })

  it('[H41] preconditions speak of the workspace, whose version is its last LSN', async () => {
    await using api = await ApiFixture.start()
    const update = () => Y.encodeStateAsUpdate(anyDocument())
    const absent = await post(api, update(), { 'if-match': '*' })
    expect([absent.status, absent.body.error.code, absent.body.current]).toEqual([409, 'version_conflict', null])
    expect((await post(api, update(), { 'if-none-match': '*' })).status).toBe(200)
    const there = await post(api, update(), { 'if-none-match': '*' })
    expect([there.status, there.body.error.code, there.body.current]).toEqual([409, 'workspace_exists', { lsn: 1 }])
    const late = await post(api, update(), { 'if-match': '"7"' })
    expect([late.status, late.body.error.code]).toEqual([409, 'version_conflict'])
    expect((await post(api, update(), { 'if-match': '"1"' })).body).toEqual({ lsn: 2, changed: true })
    expect((await post(api, update(), {}, '?expected_version=1')).status).toBe(409)
  })

  it('[H41] what can not be applied whole is refused with its reason, and changes nothing', async () => {
    await using api = await ApiFixture.start()
    const doc = anyDocument()
    await post(api, Y.encodeStateAsUpdate(doc))
    const missing = new Y.Doc()
    missing.getText('t').insert(0, 'first')
    const known = Y.encodeStateVector(missing)
    missing.getText('t').insert(5, ' second')
    const waiting = await post(api, Y.encodeStateAsUpdate(missing, known))
    expect([waiting.status, waiting.body.error.code]).toEqual([409, 'missing_edits'])
    expect(waiting.body.error.details.missing).toEqual([{ client: missing.clientID, clock: 5 }])
    for (const bytes of [
      Y.encodeStateAsUpdateV2(doc),
      Buffer.from('{"type":"text"}'),
      Y.encodeStateAsUpdate(doc).subarray(1),
    ]) {
      const bad = await post(api, bytes)
      expect([bad.status, bad.body.error.code]).toEqual([422, 'bad_update'])
    }
    const twin = new Y.Doc()
    twin.clientID = doc.clientID
    twin.getText('quill').insert(0, 'other words')
    const other = await post(api, Y.encodeStateAsUpdate(twin))
    expect([other.status, other.body.error]).toEqual([
      403,
      expect.objectContaining({ code: 'update_refused', details: { code: 'client_id_owned' } }),
    ])
    expect((await post(api, new Uint8Array())).status).toBe(422)
    expect((await get(api)).headers.get('etag')).toBe('"1"')
  })

  it('[H42] a body of another type, or that is too large, is refused before it is read', async () => {
    await using api = await ApiFixture.start({ limits: { updateBytesMax: 10_000 } })
    const json = await post(api, Buffer.from('{}'), { 'content-type': 'application/json' })
    expect([json.status, json.headers.get('accept')]).toEqual([415, 'application/octet-stream'])
    const bytes = await api.call('PUT', '/blocks/b', 'x', BYTES)
    expect([bytes.status, bytes.headers.get('accept')]).toEqual([415, 'application/json, application/merge-patch+json'])
    expect((await post(api, new Uint8Array(100), { 'content-encoding': 'gzip' })).status).toBe(415)
    const large = await post(api, new Uint8Array(10_001))
    expect([large.status, large.body.error]).toEqual([
      413,
      { code: 'too_large', message: expect.stringContaining('10000 bytes') },
    ])
    expect(await postExpecting(api, { 'content-length': '10001' })).toBe(413)
    // Without a length, the limit holds while the body comes.
    expect(await postExpecting(api, {}, Buffer.alloc(20_000))).toBe(413)
  })

  it('[H42] a caller that may not write is refused before its body is read', async () => {
    const secret = 'a secret that has at least 32 bytes'
    await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret }) })
    const exp = Math.floor(Date.now() / 1000) + 600
    const claims = { sub: 'eve', workspaces: ['w'], access: 'read', sources: ['user_action'], exp } as const
    const token = await signToken(secret, { ...claims, workspaces: ['w'], sources: ['user_action'] })
    const length = { 'content-length': '5000000' }
    expect(await postExpecting(api, length)).toBe(401)
    expect(await postExpecting(api, { ...length, authorization: `Bearer ${token}` })).toBe(403)
    expect((await get(api, '', { authorization: `Bearer ${token}` })).status).toBe(404)
    expect((await get(api)).status).toBe(401)
  })
})

/** Posts by `Expect: 100-continue` and sends `body` when it is asked for. Returns the status of the answer. */
async function postExpecting(
  api: ApiFixture,
  headers: Record<string, string>,
  body?: Buffer,
): Promise<number | undefined> {
  const sent = request(`${api.server.url}/v1/workspaces/w/update`, {
    method: 'POST',
    headers: { ...BYTES, expect: '100-continue', ...headers },
  })
  let isAsked = false
  sent.on('continue', () => {
    isAsked = true
    sent.end(body)
  })
  sent.flushHeaders()
  const [response] = await once(sent, 'response')
  expect(isAsked).toBe(body !== undefined)
  sent.destroy()
  return response.statusCode
}
