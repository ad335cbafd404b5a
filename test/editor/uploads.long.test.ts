import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { connectWorkspace, uploadsOf, type Workspace } from '@joinery/client'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { servePage } from '../browser/page-server.ts'
import { serveFilesIn } from '../files/bucket-server.ts'
import { keysIn, lookAt } from '../files/s3-scene.ts'
import { type Call, type CorsRule, type Fate, StoreProxy } from '../files/store-proxy.ts'
import { openSwiftBucket, skipForSwift } from '../files/swift-bucket.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { swiftRoot } from '../support/swift-server.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { within } from '../support/until.ts'
import { bytesOfSeed, dropFile, PIXEL } from './drop-files.ts'
import { openPages } from './open-pages.ts'

const pages = openPages()
/** The large file: 20 MB, or as much as the variable says. */
const LARGE = process.env.JOINERY_UPLOAD_BYTES
const BYTES = Number(LARGE ?? 20_000_000)
const PARTS = 10
const LIMITS = `files.partBytes=${Math.ceil(BYTES / PARTS)}`
const FILM = { name: 'film.bin', type: 'video/x-film', bytes: BYTES, seed: 7 }
/** The file for a bucket, whose daily size is smaller: Swift is slow. */
const CLIP = { ...FILM, name: 'clip.bin', bytes: Number(LARGE ?? 5_000_000) }
/** Errors that a browser prints of requests which fail as the test wants it. */
const EXPECTED_ERRORS = /Failed to load resource|WebSocket|CORS policy|net::ERR/

const isPart = ({ method, url }: Call): boolean => method === 'PUT' && url.startsWith('/v1/blobs/')
const fileIn = (page: Page, name: string) => page.locator(`.file[data-resource="${name}"]`)

async function inWorkspace<T>(url: string, work: (workspace: Workspace, block: string) => Promise<T>): Promise<T> {
  const workspace = connectWorkspace({ url, workspace: 'uploads', actor: 'job' })
  try {
    await workspace.whenSynced
    const block = workspace.blocks.create({ type: 'text' }).id
    await workspace.whenDurable()
    return await work(workspace, block)
  } finally {
    await workspace.close()
  }
}

/** Takes the errors that pages have printed, which must be of the expected kinds. */
function takeErrors(): void {
  expect(pages.errors.splice(0).filter((text) => !EXPECTED_ERRORS.test(text))).toEqual([])
}

it.skipIf(!pages.isThere)(
  '[E110, C134] an upload goes on with the missing parts after a reload at half, under another name, after a sleep in which its URLs expired, and after the network was off',
  async () => {
    await using directory = await tempDirectory()
    let server = await startJoinery({ directory: directory.path, env: { JOINERY_LIMITS: LIMITS } })
    let fateOf: (call: Call) => Fate | undefined | Promise<Fate | undefined> = () => undefined
    const proxy = await StoreProxy.open(server.url.replace('ws', 'http'), { fateOf: (call) => fateOf(call) })
    try {
      await inWorkspace(server.url, async (watcher, block) => {
        const target = `[data-block="${block}"]`
        const seen = () => watcher.blocks.get(block)?.statuses('file@1').get('film.bin')
        const missing = async (): Promise<number | undefined> => {
          const answer = await fetch(
            `${server.url.replace('ws', 'http')}/v1/workspaces/uploads/uploads/${seen()?.run.id}`,
          )
          return ((await answer.json()) as { upload?: { missing: readonly number[] } }).upload?.missing.length
        }
        const open = async (): Promise<Page> => {
          const page = await pages.open(`${proxy.origin}/w/uploads`)
          await page.locator(target).waitFor()
          return page
        }
        const ann = await open()
        const bob = await open()

        // Half of the parts arrive. The others wait on their way until the page is gone, and are lost then.
        const gone = Promise.withResolvers<void>()
        let passed = 0
        fateOf = async (call) => {
          if (!isPart(call) || passed++ < PARTS / 2) return undefined
          await gone.promise
          return { cut: 'before' }
        }
        await dropFile(ann, target, FILM)
        await expect.poll(missing, { message: 'half of the parts have arrived' }).toBe(PARTS / 2)
        for (const page of [ann, bob]) {
          const shown = fileIn(page, 'film.bin').locator('progress')
          await expect
            .poll(() => shown.evaluate((bar: HTMLProgressElement) => bar.value), { message: 'progress shows' })
            .toBeGreaterThan(0)
        }
        const run = seen()?.run.id
        await ann.reload()
        gone.resolve()
        await ann.locator(target).waitFor()
        expect(await fileIn(ann, 'film.bin').getAttribute('data-state')).toBe('uploading')

        // A request for URLs fails. The first part goes out, and the computer sleeps until its URL holds no more.
        const asleep = Promise.withResolvers<void>()
        const awake = Promise.withResolvers<void>()
        const offline = Promise.withResolvers<void>()
        const off = Promise.withResolvers<void>()
        let urlsFailed = 0
        let sent = 0
        fateOf = async (call) => {
          if (call.url.endsWith('/urls') && urlsFailed++ === 0) return { answer: { status: 502, body: '<html>' } }
          if (!isPart(call)) return undefined
          sent++
          if (sent === 1) {
            asleep.resolve()
            await awake.promise
          }
          if (sent === PARTS / 2) {
            offline.resolve()
            await off.promise
            return { cut: 'before' }
          }
          return undefined
        }
        await dropFile(ann, target, { ...FILM, name: 'renamed.bin' })
        await within('a part is on its way', asleep.promise)
        const session = await ann.context().newCDPSession(ann)
        await session.send('Page.setWebLifecycleState', { state: 'frozen' })
        // Another process has another key for its URLs.
        await server.child.end('SIGKILL')
        server = await startJoinery({ directory: directory.path, env: { JOINERY_LIMITS: LIMITS }, port: server.port })
        await session.send('Page.setWebLifecycleState', { state: 'active' })
        awake.resolve()

        await within('another part is on its way', offline.promise)
        await ann.context().setOffline(true)
        off.resolve()
        await ann.locator('.file[data-state="waiting"]').waitFor()
        await ann.context().setOffline(false)

        for (const page of [ann, bob]) await fileIn(page, 'film.bin').getByText('saved').waitFor()
        await expect.poll(() => seen()?.status, { message: 'the file is saved' }).toBe('synced')
        expect(seen()?.run.id).toBe(run)
        const { url, sha256 } = await uploadsOf(watcher).download(block, 'film.bin')
        const got = Buffer.from(await (await fetch(url)).arrayBuffer())
        expect(got.equals(bytesOfSeed(BYTES, FILM.seed))).toBe(true)
        expect(createHash('sha256').update(got).digest('hex')).toBe(sha256)
        // Five parts were missing. One was refused for its URL, and at most three were on their way when the network went.
        expect(sent).toBeLessThanOrEqual(PARTS / 2 + 1 + 3 + 3)
        // They would look for a server that is gone.
        for (const page of [ann, bob]) await page.context().close()
      })
      takeErrors()
    } finally {
      await proxy.close()
      await server[Symbol.asyncDispose]()
    }
  },
)

it.skipIf(!pages.isThere)(
  '[E111] a page of one origin uploads to a bucket of another by the CORS rules of README.md, and says so where they lack PUT',
  async (context) => {
    if (swiftRoot() === undefined) return skipForSwift(context)
    const bucket = await openSwiftBucket()
    const cors = await readmeRules()
    const proxy = await StoreProxy.open(bucket.endpoint, { cors: cors.rules })
    await using directory = await tempDirectory()
    const place = { ...bucket, endpoint: proxy.origin }
    const server = await serveFilesIn({ directory: directory.path, bucket: place, limits: LIMITS })
    const origin = server.url.replace('ws', 'http')
    try {
      await inWorkspace(server.url, async (_, block) => {
        const ann = await pages.open(`${origin}/w/uploads`)
        const target = `[data-block="${block}"]`
        await ann.locator(target).waitFor()
        cors.allow(origin, ['GET'])
        await dropFile(ann, target, CLIP)
        await fileIn(ann, CLIP.name).getByText('CORS rules').waitFor()
        cors.allow(origin)
        await fileIn(ann, CLIP.name).getByText('saved').waitFor()
        await dropFile(ann, target, { name: 'p.png', type: 'image/png', base64: PIXEL })
        const picture = fileIn(ann, 'p.png').locator('img')
        await picture.waitFor()
        await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1)

        const content = bytesOfSeed(CLIP.bytes, CLIP.seed)
        const digest = createHash('sha256').update(content).digest('hex')
        const client = lookAt(bucket)
        const key = (await keysIn(client, bucket)).find((each) => each.endsWith(digest))
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key: key }))
        expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(content)).toBe(true)
        client.destroy()
        expect(proxy.calls.filter((call) => call.startsWith('OPTIONS')).length).toBeGreaterThan(0)
        await ann.context().close()
      })
      takeErrors()
    } finally {
      await server[Symbol.asyncDispose]()
      await proxy.close()
      await bucket.close()
    }
  },
)

it.skipIf(!pages.isThere)('[E111] a page of any origin may use the URLs of the disk that it was given', async () => {
  const other = await servePage('')
  try {
    await inWorkspace(pages.url, async (workspace, block) => {
      const page = await pages.open(other.url)
      const sha256 = createHash('sha256').update('12345').digest('hex')
      const home = `${pages.httpUrl}/v1/workspaces/uploads`
      const ask = async (path: string, body: unknown) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`${home}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
        return answer.json()
      }
      const { upload } = (await ask(`/blocks/${block}/files`, { name: 'a.txt', bytes: 5, sha256 })) as {
        upload: { id: string }
      }
      const { urls } = (await ask(`/uploads/${upload.id}/urls`, { parts: [1] })) as { urls: { url: string }[] }
      const put = new URL(urls[0]?.url ?? '', pages.httpUrl).href
      // With a listener to its progress the browser asks for leave first, as it does for the SDK.
      const status = await page.evaluate(
        (url) =>
          new Promise((resolve) => {
            const request = new XMLHttpRequest()
            request.upload.onprogress = () => undefined
            request.onloadend = () => resolve(request.status)
            request.open('PUT', url)
            request.send(new Blob(['12345']))
          }),
        put,
      )
      expect(status).toBe(204)
      await ask(`/uploads/${upload.id}/complete`, {})
      await expect.poll(() => workspace.blocks.get(block)?.statuses('file@1').get('a.txt')?.status).toBe('synced')
      const { url } = await uploadsOf(workspace).download(block, 'a.txt')
      const read = await page.evaluate(
        async (from) => (await fetch(from, { headers: { range: 'bytes=1-3' } })).text(),
        url,
      )
      expect(read).toBe('234')
    })
  } finally {
    await other.close()
  }
})

/** The rules that README.md gives for a bucket, for whichever origin the test has. */
async function readmeRules() {
  const readme = await readFile(new URL('../../packages/resources/README.md', import.meta.url), 'utf8')
  const text = /--cors-configuration '(\{[\s\S]*?\})'/.exec(readme)?.[1] ?? expect.fail('README.md has no CORS rules')
  const [rule] = (JSON.parse(text) as { CORSRules: readonly CorsRule[] }).CORSRules
  if (rule === undefined) throw new Error('README.md has no CORS rule')
  const rules: CorsRule[] = []
  return {
    rules,
    allow(origin: string, methods = rule.AllowedMethods): void {
      rules.splice(0, 1, { ...rule, AllowedOrigins: [origin], AllowedMethods: methods })
    },
  }
}
