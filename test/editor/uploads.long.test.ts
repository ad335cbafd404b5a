import { createHash } from 'node:crypto'
import { connectWorkspace, uploadsOf } from '@joinery/client'
import type { Page, Request } from 'playwright-core'
import { expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { bytesOfSeed, dropFile } from './drop-files.ts'
import { openPages } from './open-pages.ts'

const pages = openPages()
/** 20 MB, or 200 MB in the nightly run. */
const BYTES = Number(process.env.JOINERY_UPLOAD_BYTES ?? 20_000_000)
const PART_BYTES = Math.ceil(BYTES / 10)
const PARTS = 10
const isPart = (request: Request): boolean => request.method() === 'PUT' && request.url().includes('/v1/blobs/')
const fileIn = (page: Page, name: string) => page.locator(`.file[data-resource="${name}"]`)

it.skipIf(!pages.isThere)(
  '[E82, C134] an upload goes on with the missing parts after a reload at half, under another name, with URLs that hold no more, and a network that is off',
  async () => {
    await using directory = await tempDirectory()
    const env = { JOINERY_LIMITS: `files.partBytes=${PART_BYTES}` }
    let server = await startJoinery({ directory: directory.path, env })
    const address = `${server.url.replace('ws', 'http')}/w/uploads`
    const sender = connectWorkspace({ url: server.url, workspace: 'uploads', actor: 'job' })
    const watcher = connectWorkspace({ url: server.url, workspace: 'uploads', actor: 'bob' })
    try {
      await sender.whenSynced
      const block = sender.blocks.create({ type: 'text' }).id
      await sender.whenDurable()
      const file = { name: 'film.bin', type: 'video/x-film', bytes: BYTES, seed: 7 }
      const target = `[data-block="${block}"]`

      // A service worker would hide the page's requests from the test.
      const ann = await pages.open(address, { serviceWorkers: 'block' })
      let passed = 0
      // Half of the parts arrive. The others are held back until the page is gone.
      await ann.route('**/v1/blobs/**', async (route) => {
        if (passed++ < PARTS / 2) await route.continue()
      })
      await ann.locator(target).waitFor()
      await dropFile(ann, target, file)
      await expect.poll(() => passed).toBeGreaterThan(PARTS / 2)
      const seen = () => watcher.blocks.get(block)?.statuses('file@1').get('film.bin')
      await expect.poll(() => seen()?.status).toBe('syncing')
      await expect.poll(() => Object.values(watcher.presence.progress.get())[0]?.done ?? 0).toBeGreaterThan(0)
      const run = seen()?.run.id
      await expect.poll(async () => (await uploadIn(server.url, run)).missing.length).toBe(PARTS / 2)

      await ann.unroute('**/v1/blobs/**')
      await ann.reload()
      const sent: Request[] = []
      const answered: number[] = []
      ann.on('request', (request) => isPart(request) && sent.push(request))
      ann.on('response', (response) => isPart(response.request()) && answered.push(response.status()))
      // The first URL is used only when it holds no more: the server has another key after a restart.
      const held = Promise.withResolvers<void>()
      const mayGo = Promise.withResolvers<void>()
      let isFirst = true
      await ann.route('**/v1/blobs/**', async (route) => {
        const mustWait = isFirst
        isFirst = false
        if (mustWait) {
          held.resolve()
          await mayGo.promise
        }
        await route.continue()
      })
      await ann.locator(target).waitFor()
      await dropFile(ann, target, { ...file, name: 'renamed.bin' })
      await held.promise
      await server.child.end('SIGKILL')
      server = await startJoinery({ directory: directory.path, env, port: server.port })
      mayGo.resolve()
      await expect.poll(() => answered.includes(403)).toBe(true)
      await ann.context().setOffline(true)
      await ann.context().setOffline(false)
      await expect.poll(() => seen()?.status).toBe('synced')
      expect(seen()?.run.id).toBe(run)
      const arrived = answered.filter((status) => status === 204)
      expect(arrived.length).toBeLessThanOrEqual(PARTS / 2)
      await fileIn(ann, 'film.bin').getByText('saved').waitFor()

      const { url, sha256 } = await uploadsOf(watcher).download(block, 'film.bin')
      const got = Buffer.from(await (await fetch(url)).arrayBuffer())
      expect(got.equals(bytesOfSeed(BYTES, 7))).toBe(true)
      expect(createHash('sha256').update(got).digest('hex')).toBe(sha256)
      // The browser tells of a refused URL and of a network that is off: these are no faults of the page.
      pages.errors.splice(0)
    } finally {
      await sender.close()
      await watcher.close()
      await server[Symbol.asyncDispose]()
    }
  },
)

async function uploadIn(url: string, id: string | undefined): Promise<{ missing: readonly number[] }> {
  const path = `/v1/workspaces/uploads/uploads/${encodeURIComponent(id ?? '')}`
  const answer = await fetch(`${url.replace('ws', 'http')}${path}`)
  return ((await answer.json()) as { upload: { missing: readonly number[] } }).upload
}
