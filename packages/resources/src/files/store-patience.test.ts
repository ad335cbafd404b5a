import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FileError } from './file-error.ts'
import { S3Store } from './s3-store.ts'
import { pauseMsAfter } from './store-patience.ts'

const NAME = { scope: 'a'.repeat(32), key: 'one' }
const UPLOAD = { ...NAME, id: 'u1' }
const FILE = { scope: NAME.scope, sha256: 'b'.repeat(64), bytes: 5 }
const NOTHING = '<ListMultipartUploadsResult></ListMultipartUploadsResult>'
const error = (code: string): string => `<Error><Code>${code}</Code></Error>`

/** Answers that ask for patience. */
const PATIENCE = [
  [503, error('SlowDown')],
  [429, error('ServiceUnavailable')],
  [200, error('SlowDown')],
] as const

/** Calls of a store, each with the answer that ends it well. */
const CALLS: Readonly<Record<string, { call(store: S3Store): Promise<unknown>; answer(url: string): string }>> = {
  begin: {
    call: (store) => store.begin(NAME),
    answer: (url) => {
      const begun = '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>'
      return url.includes('prefix=') ? NOTHING : begun
    },
  },
  parts: {
    call: (store) => store.parts(UPLOAD),
    answer: () => '<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>',
  },
  complete: {
    call: (store) => store.complete(UPLOAD, [{ n: 1, bytes: 5, etag: '"e"' }]),
    answer: () => '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>',
  },
  abort: { call: (store) => store.abort(UPLOAD), answer: (url) => (url.includes('uploads=') ? NOTHING : '') },
  removeScope: {
    call: (store) => store.removeScope(NAME.scope),
    answer: (url) => (url.includes('uploads=') ? NOTHING : '<ListBucketResult></ListBucketResult>'),
  },
  has: { call: (store) => store.has(FILE), answer: () => '' },
}

let refuse: (url: string) => readonly [status: number, body: string, retryAfter: string] | undefined = () => undefined
let answer: (url: string) => string = () => ''
let headers: Readonly<Record<string, string>> = {}
let asked = 0
const server = createServer(({ url = '', method }, response) => {
  asked++
  const refused = refuse(url)
  const [status, body] = refused ?? [200, answer(url)]
  const more = { 'content-type': 'application/xml', ...(refused && { 'retry-after': refused[2] }) }
  response.writeHead(status, { ...headers, ...more }).end(method === 'HEAD' ? undefined : body)
})
let store: S3Store
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  store = new S3Store({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ bucket: 'files', region: 'us-east-1', isPathStyle: true, ticketMs: 60_000 },
    keys: async () => ({ accessKeyId: 'i', secretAccessKey: 'k' }),
  })
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it.each(Object.entries(CALLS))(
  '[RU16] the call %s is made again while the store asks for patience',
  async (name, { call, answer: last }) => {
    answer = last
    for (const [status, body] of PATIENCE) {
      // HEAD and DELETE have no body that could ask.
      if (status === 200 && (name === 'has' || name === 'abort')) continue
      const left = new Map<string, number>()
      asked = 0
      refuse = (url) => {
        const times = left.get(url) ?? 3
        left.set(url, times - 1)
        return times > 0 ? [status, body, '0'] : undefined
      }
      await call(store)
      expect([status, asked]).toEqual([status, 4 * left.size])
    }
  },
)

it('[RU16] a store that asks for patience for ever is asked four times a call, and one that asks for a long time once', async () => {
  for (const [retryAfter, times] of [
    ['0', 4],
    ['6', 1],
  ] as const) {
    asked = 0
    refuse = () => [503, error('SlowDown'), retryAfter]
    await expect(store.has(FILE)).rejects.toMatchObject({ code: 'store_unavailable', class: 'throttled' })
    expect(asked).toBe(times)
  }
})

it('[RU16] an upload that was joined although the store asked for patience is found by its name', async () => {
  let isFirst = true
  refuse = (url) => {
    if (isFirst) {
      isFirst = false
      return [503, error('SlowDown'), '0']
    }
    return url.includes('uploadId=') ? [404, error('NoSuchUpload'), '0'] : undefined
  }
  answer = () => ''
  headers = { 'x-amz-meta-joinery-key': NAME.key }
  await store.complete(UPLOAD, [{ n: 1, bytes: 5, etag: '"e"' }])
  headers = { 'x-amz-meta-joinery-key': 'another' }
  await expect(store.complete(UPLOAD, [{ n: 1, bytes: 5, etag: '"e"' }])).rejects.toMatchObject({
    code: 'unknown_upload',
  })
})

it('[RU16] pauses double up to 5 s and are drawn, and are never shorter than Retry-After', () => {
  const throttled = (retryAfterMs?: number) =>
    new FileError('store_unavailable', 'x', { class: 'throttled', retryAfterMs })
  expect([1, 2, 3, 9].map((attempt) => pauseMsAfter(throttled(), attempt, 1))).toEqual([500, 1_000, 2_000, 5_000])
  expect(pauseMsAfter(throttled(), 3, 0.25)).toBe(500)
  expect([0, 1].map((share) => pauseMsAfter(throttled(4_000), 1, share))).toEqual([4_000, 5_000])
  expect(pauseMsAfter(throttled(5_001), 1, 0)).toBeUndefined()
  expect(pauseMsAfter(new FileError('store_unavailable', 'x'), 1, 0)).toBeUndefined()
  expect(pauseMsAfter(new Error('x'), 1, 0)).toBeUndefined()
})
