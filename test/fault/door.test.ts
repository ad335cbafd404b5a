import { request } from 'node:http'
import { CLOSE } from '@joinery/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { RawClient } from '../support/raw-client.ts'
import { type Scene, setScene } from '../support/scene.ts'
import { connectStock } from '../support/stock-client.ts'
import { makeToken, makeUnsignedToken, SECRET } from '../support/tokens.ts'
import { until, within } from '../support/until.ts'

let scene: Scene

beforeAll(async () => {
  scene = await setScene({ env: { JOINERY_JWT_SECRET: SECRET }, token: await makeToken() })
})

afterAll(() => scene?.[Symbol.asyncDispose]())

/** Connects as a stock client, which sees an HTTP status, and as one that knows Joinery, which sees a close code. */
async function expectRefused(path: string, query: Record<string, string>, status: number, close: number, says: RegExp) {
  const stock = await within('the stock client is refused', new RawClient({ url: scene.url, path, query }).ended)
  expect(stock).toMatchObject({ kind: 'http', status })
  expect(stock.kind === 'http' && reasonOf(stock.body)).toMatch(says)
  const knowing = new RawClient({ url: scene.url, path, query, wantsJoinery: true })
  const ending = await within('the knowing client is refused', knowing.ended)
  expect(ending).toMatchObject({ kind: 'close', code: close, reason: expect.stringMatching(says) })
  expect(knowing.hello).toBeUndefined()
  await scene.bystander.check()
}

/** `code: message` of the JSON that an HTTP refusal carries. */
function reasonOf(body: string): string {
  const { error } = JSON.parse(body)
  return `${error.code}: ${error.message}`
}

describe('paths', () => {
  const paths: readonly [what: string, path: string][] = [
    ['nothing', ''],
    ['a hidden file', '.ssh'],
    ['a parent folder inside', 'acme/..%2fother'],
    ['an empty segment', 'acme//notes'],
    ['five segments', 'a/b/c/d/e'],
    ['a segment of 129 characters', 'x'.repeat(129)],
    ['a name of 10,000 characters', 'x'.repeat(10_000)],
    ['a percent sign that encodes nothing', 'acme%zz'],
    ['an encoded zero byte', 'acme%00notes'],
    ['an encoded line break', 'acme%0d%0anotes'],
    ['a property every object has', '__proto__'],
    ['spaces', 'my%20notes'],
  ]
  it.each(paths)('[T30] a client is told what a name has to be when the path is %s', async (_what, path) => {
    const token = await makeToken()
    await expectRefused(path, { token }, 404, CLOSE.badWorkspace, /bad_workspace.*name is 1 to 4 segments/s)
  })
})

describe('tokens', () => {
  const unauthorized: readonly [what: string, token: () => Promise<string> | string, says: RegExp][] = [
    ['missing', () => '', /token/],
    ['garbage', () => 'no.token.this', /malformed/],
    ['cut short', async () => (await makeToken()).slice(0, -4), /signed with another key|malformed/],
    ['expired', () => makeToken({ expiresIn: -3_600 }), /expired/],
    ['signed with another key', () => makeToken({}, 'another secret, of somebody else, of 32 bytes'), /another key/],
    ['unsigned (alg none)', () => makeUnsignedToken(), /signed in a way|malformed/],
    ['for another audience', () => makeToken({ aud: 'another-product' }), /aud must be "joinery"/],
  ]
  it.each(unauthorized)(
    '[T31] a client is refused with 401 or 4401 when its token is %s',
    async (_what, token, says) => {
      await expectRefused('notes', { token: await token() }, 401, CLOSE.unauthorized, says)
    },
  )

  it('[T31] a client is refused with 403 or 4403 when its token is for another workspace', async () => {
    const token = await makeToken({ workspaces: ['acme/*'] })
    await expectRefused('acme-two', { token }, 403, CLOSE.forbidden, /does not open workspace acme-two/)
    await expectRefused('acme', { token }, 403, CLOSE.forbidden, /does not open workspace acme/)
    await (await RawClient.open({ url: scene.url, path: 'acme/notes', query: { token } })).close()
  })

  it('[T31] a client is refused with 403 or 4403 when it asks for a source its token does not name', async () => {
    const token = await makeToken({ sources: ['user_action'] })
    const query = { token, source: 'workflow_execution' }
    await expectRefused('notes', query, 403, CLOSE.forbidden, /does not allow the source/)
  })
})

describe('reading only', () => {
  it('[T32] a client that knows Joinery is told `rejected` when it writes on a read-only connection', async () => {
    const token = await makeToken({ access: 'read' })
    const options = { url: scene.url, path: 'library', wantsJoinery: true }
    const writer = await RawClient.open({ ...options, query: { token: await makeToken() } })
    const reader = await RawClient.open({ ...options, query: { token } })
    expect(reader.hello?.access).toBe('read')
    const told = new Promise<void>((resolve) => {
      reader.onMessage = (message) => message.type === 'rejected' && resolve()
    })
    reader.doc.getText('content').insert(0, 'graffiti')
    await within('the reader is told', told)
    expect(reader.rejections).toMatchObject([{ frame: reader.framesSent, code: 'read_only' }])
    writer.doc.getText('content').insert(0, 'a book')
    const fresh = await RawClient.open({ ...options, query: { token } })
    expect(fresh.doc.getText('content').toString()).toBe('a book')
    await Promise.all([writer, reader, fresh].map((client) => client.close()))
    await scene.bystander.check()
  })

  it('[T32] a stock client stays connected and sees what is new when it writes on a read-only connection', async () => {
    const params = { token: await makeToken({ access: 'read' }) }
    const options = { url: scene.url, path: 'library-2', wantsJoinery: true }
    const writer = await RawClient.open({ ...options, query: { token: await makeToken() } })
    using reader = connectStock({ version: '3.1', url: scene.url, workspace: 'library-2', params })
    await within('the reader syncs', new Promise((resolve) => reader.provider.once('sync', resolve)))
    let closes = 0
    reader.provider.on('connection-close', () => closes++)
    // A plug-in for carets makes a type as it starts.
    reader.doc.getMap('carets').set('mine', new Y.Map())
    reader.doc.getText('content').insert(0, 'graffiti')
    writer.doc.getText('content').insert(0, 'a book')
    await until('the reader sees what is new', () => reader.doc.getText('content').toString().includes('a book'))
    expect(closes).toBe(0)
    const fresh = await RawClient.open({ ...options, query: params })
    expect(fresh.doc.getText('content').toString()).toBe('a book')
    expect(fresh.doc.getMap('carets').size).toBe(0)
    await Promise.all([writer, fresh].map((client) => client.close()))
    await scene.bystander.check()
  })
})

describe('requests that are no sync', () => {
  it('[T30] a plain HTTP request gets an answer and harms nobody when its path is unknown', async () => {
    const response = await fetch(`${scene.url.replace('ws:', 'http:')}/no/such/page`)
    expect(response.status).toBe(404)
    await scene.bystander.check()
  })

  it('[T30] a client is refused when its path climbs out of the data directory', async () => {
    // Not by a WebSocket library: those resolve the dots themselves before they ask.
    const status = await within('the climber is answered', upgradeStatus('/../../etc/passwd'))
    expect(status).toBe(404)
    await scene.bystander.check()
  })

  it('[T30] a client is refused when it speaks a WebSocket version that nobody does', async () => {
    expect(await within('the old protocol is answered', upgradeStatus('/notes', '7'))).toBeGreaterThanOrEqual(400)
    await scene.bystander.check()
  })
})

/** HTTP status that the server answers an upgrade of this very path with. */
function upgradeStatus(path: string, version = '13'): Promise<number | undefined> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    'sec-websocket-version': version,
  }
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: scene.joinery.port, path, headers })
    asked.on('error', reject)
    asked.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode)
    })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.end()
  })
}
