import { FileError, type FileStore, type S3Store } from '@joinery/resources'
import { afterEach, describe, expect, it } from 'vitest'
import { type Bucket, lookAt, openS3Scene, openUploadsIn, storeIn } from './s3-scene.ts'
import { type Answer, type Call, type Fate, StoreProxy } from './store-proxy.ts'
import { partsOf, TrialUpload } from './store-scene.ts'

const MINUTES_MS = 15 * 60_000
const XML = { 'content-type': 'application/xml' }
const PAGE = { 'content-type': 'text/html; charset=utf-8' }

const isJoin = ({ method, url }: Call): boolean => method === 'POST' && url.includes('uploadId=')
const isBegin = ({ method, url }: Call): boolean => method === 'POST' && url.includes('uploads=')
const isList = ({ method, url }: Call): boolean => method === 'GET' && url.includes('uploadId=')
const isRead = ({ method, url }: Call): boolean =>
  method === 'GET' && !url.includes('uploads=') && !url.includes('uploadId=')
const isCopy = ({ method, headers }: Call): boolean => method === 'PUT' && headers['x-amz-copy-source'] !== undefined

function errorXml(code: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>told by ${code}</Message>${more}</Error>`
}
const refusal = (status: number, code: string, headers = {}, more = ''): Fate => ({
  answer: { status, headers: { ...XML, ...headers }, body: errorXml(code, more) },
})
const page = (status: number): Fate => ({ answer: { status, headers: PAGE, body: '<html>Please log in</html>' } })
const cutOff = ({ body }: Answer): Partial<Answer> => ({ body: body.toString().slice(0, -12) })

/** The steps of an upload, each of which may be made once more. */
const STEPS = {
  begin: (upload: TrialUpload) => upload.begin('one-key'),
  join: async (upload: TrialUpload) => upload.store.complete(upload.ref, await upload.listed()),
  check: (upload: TrialUpload) => upload.store.publish(upload.ref, upload.file),
} as const
type Step = keyof typeof STEPS

/** An answer that a step gets once: the step fails as told, and succeeds when it is made again. */
const ONCE: readonly [what: string, step: Step, which: (call: Call) => boolean, fate: Fate, words: RegExp][] = [
  [
    'an error in the body of a 200',
    'join',
    isJoin,
    { answer: { status: 200, headers: XML, body: errorXml('InternalError') } },
    /InternalError/,
  ],
  [
    'spaces, and then an error, in a 200',
    'join',
    isJoin,
    { answer: { status: 200, headers: XML, body: `   \n  ${errorXml('InternalError')}` } },
    /InternalError/,
  ],
  [
    'an error in the body of a copy',
    'check',
    isCopy,
    { answer: { status: 200, headers: XML, body: errorXml('InternalError') } },
    /InternalError/,
  ],
  ['the page of a portal', 'join', isJoin, page(200), /page|something between/],
  ['the page of a proxy', 'begin', isBegin, page(502), /502/],
  ['a page that says 404', 'join', isList, page(404), /404 with a page/],
  ['a lost answer', 'join', isJoin, { cut: 'after' }, /does not answer/],
  ['a lost answer', 'begin', isBegin, { cut: 'after' }, /does not answer/],
  ['a lost answer', 'check', isCopy, { cut: 'after' }, /does not answer/],
  ['a document without its end', 'join', isJoin, { change: cutOff }, /no end/],
  ['a document without its end', 'begin', isBegin, { change: cutOff }, /no end/],
  ['a list without its end', 'join', isList, { change: cutOff }, /no end/],
  ['an answer that breaks off', 'check', isRead, { cut: 'within' }, /too early/],
  ['SlowDown', 'join', isJoin, refusal(503, 'SlowDown', { 'retry-after': '7' }), /asked later/],
]

/** Answers that end the work, with the words of the store. */
const FINAL: readonly [what: string, fate: Fate, code: string, words: RegExp][] = [
  [
    'another region',
    refusal(
      301,
      'PermanentRedirect',
      { 'x-amz-bucket-region': 'eu-west-1' },
      '<Endpoint>files.s3.eu-west-1.example</Endpoint>',
    ),
    'store_refused',
    /in the region eu-west-1/,
  ],
  [
    'another region in the signature',
    refusal(400, 'AuthorizationHeaderMalformed', {}, '<Region>eu-west-1</Region>'),
    'store_refused',
    /in the region eu-west-1/,
  ],
  [
    'another address for a while',
    { answer: { status: 307, headers: { location: 'https://elsewhere.example/files' } } },
    'store_unavailable',
    /at https:\/\/elsewhere.example/,
  ],
  ['wrong keys', refusal(403, 'InvalidAccessKeyId'), 'store_refused', /InvalidAccessKeyId/],
  ['parts that are too small', refusal(400, 'EntityTooSmall'), 'store_refused', /files\.partBytes/],
]

/** Tries a store of S3 behind something that changes its answers. */
export function describeOddAnswers(bucket: () => Bucket): void {
  describe('odd answers', () => {
    const open: StoreProxy[] = []
    afterEach(async () => {
      for (const proxy of open.splice(0)) await proxy.close()
    })
    const behind = async (fateOf: (call: Call) => Fate | undefined, now?: () => number) => {
      const proxy = await StoreProxy.open(bucket().endpoint, { fateOf })
      open.push(proxy)
      const there = { ...bucket(), endpoint: proxy.origin }
      const store: S3Store = storeIn(there, { ticketMs: MINUTES_MS, ...(now && { now }) })
      const upload = new TrialUpload(
        openS3Scene(there, async () => {}),
        partsOf('12345', 'abcde'),
        { store },
      )
      return { store, upload, proxy }
    }
    const failed = async (work: Promise<unknown>): Promise<FileError> => {
      const error = await work.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error instanceof FileError) return error
      throw new Error(`no FileError came, but ${String(error)}`)
    }
    const openUploads = async (): Promise<number> => {
      const client = lookAt(bucket())
      return openUploadsIn(client, bucket()).finally(() => client.destroy())
    }
    const remove = (store: FileStore, { scope }: { scope: string }) => store.removeScope(scope)

    it.each(ONCE)(
      '[RU4] %s at the step %s is told, and the step made once more succeeds',
      async (_, step, which, fate, words) => {
        let isDone = false
        const { store, upload } = await behind((call) => {
          if (isDone || !which(call)) return undefined
          isDone = true
          return fate
        })
        for (const name of ['begin', 'join', 'check'] as const) {
          if (name === step) {
            const error = await failed(Promise.resolve(STEPS[name](upload)))
            expect(error).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(words) })
            expect(['transient', 'throttled']).toContain(error.class)
          }
          await STEPS[name](upload)
          if (name === 'begin') await upload.sendAll()
        }
        expect(await store.has(upload.file)).toBe(true)
        expect(await openUploads()).toBe(0)
        await remove(store, upload.file)
      },
    )

    it.each(FINAL)('[RU4] %s ends the work in words', async (_, fate, code, words) => {
      const { store, upload } = await behind((call) => (isBegin(call) ? fate : undefined))
      expect(await failed(upload.begin())).toMatchObject({ code, message: expect.stringMatching(words) })
      // HEAD has no body: the headers tell.
      const { headers = {}, status = 0 } = fate.answer ?? {}
      const head = await behind(() => ({ answer: { status, headers } }))
      if (status !== 403)
        expect(await failed(head.store.has(upload.file))).toMatchObject({
          code: status === 307 ? 'store_unavailable' : 'store_refused',
        })
      await remove(store, upload.file)
    })

    it('[RU4] an upload that was joined, but whose answer was lost, is found where the store forgets it at once', async () => {
      let isLost = false
      const { store, upload } = await behind((call) => {
        if (isLost && (isList(call) || isJoin(call))) return refusal(404, 'NoSuchUpload')
        if (!isJoin(call)) return undefined
        isLost = true
        return { cut: 'after' }
      })
      await upload.begin()
      await upload.sendAll()
      const parts = await upload.listed()
      expect(await failed(store.complete(upload.ref, parts))).toMatchObject({ code: 'store_unavailable' })
      expect(await failed(store.parts(upload.ref))).toMatchObject({ code: 'unknown_upload' })
      await store.complete(upload.ref, [])
      await store.complete(upload.ref, parts)
      await store.publish(upload.ref, upload.file)
      expect(await store.has(upload.file)).toBe(true)
      await expect(store.complete({ ...upload.ref, key: 'another' }, [])).rejects.toMatchObject({
        code: 'unknown_upload',
      })
      await remove(store, upload.file)
    })

    it('[RU4] a part with another tag than the list says is told as one that is missing', async () => {
      const wrong = ({ body }: Answer): Partial<Answer> => ({
        body: body.toString().replace(/<ETag>[^<]*<\/ETag>/, `<ETag>&quot;${'0'.repeat(32)}&quot;</ETag>`),
      })
      const { store, upload } = await behind((call) => (isList(call) ? { change: wrong } : undefined))
      await upload.begin()
      await upload.sendAll()
      expect(await failed(upload.complete())).toMatchObject({ code: 'upload_incomplete' })
      await remove(store, upload.file)
    })

    it.each([
      ['behind', -7_200_000],
      ['ahead', 86_400_000],
    ])('[RU4] a server whose clock is %s goes on by the time of the store', async (_, byMs) => {
      const { store, upload } = await behind(
        () => undefined,
        () => Date.now() + byMs,
      )
      expect(await store.has(upload.file)).toBe(false)
      await upload.begin()
      await upload.sendAll()
      await upload.complete()
      await store.publish(upload.ref, upload.file)
      expect((await upload.download('a.txt', 'text/plain')).status).toBe(200)
      await remove(store, upload.file)
    })

    it('[RU4] a page in answer to a removal is not taken for its success', async () => {
      const { store, upload } = await behind((call) => (call.method === 'DELETE' ? page(200) : undefined))
      await upload.begin()
      expect(await failed(store.abort(upload.ref))).toMatchObject({ code: 'store_unavailable' })
      const direct = storeIn(bucket(), { ticketMs: MINUTES_MS })
      await remove(direct, upload.file)
      expect(await openUploads()).toBe(0)
    })

    it('[RU4] a store that asks for more patience than a call has is asked once', async () => {
      const { store, upload, proxy } = await behind(() => refusal(503, 'SlowDown', { 'retry-after': '7' }))
      expect(await failed(store.has(upload.file))).toMatchObject({ class: 'throttled', retryAfterMs: 7_000 })
      expect(proxy.calls).toHaveLength(1)
    })
  })
}
