import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { openPages, saved, shownText, statusOf, typeIn } from './open-pages.ts'
import { serveBuilds } from './served-builds.ts'

const pages = openPages()

describe.skipIf(!pages.isThere)('the editor while the server is gone', () => {
  /** Complaints are what is expected of a page whose server has gone. */
  afterEach(() => void pages.errors.splice(0))

  async function visit(url: string): Promise<Page> {
    const page = await pages.open(url, { serviceWorkers: 'allow' })
    await saved(page)
    return page
  }

  it('[C141] says so, opens again without it, keeps what was typed, and brings it once the server is back', async () => {
    await using home = await tempDirectory()
    const options = { directory: join(home.path, 'data'), port: await freePort() }
    const address = `http://127.0.0.1:${options.port}/w/away`
    let ann: Page
    {
      await using server = await startJoinery(options)
      ann = await visit(address)
      await ann.getByRole('button', { name: 'Add text block' }).click()
      await typeIn(ann, 'Text 1', 'before, ')
      await saved(ann)
      await expect.poll(() => ann.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
      await server.child.end('SIGKILL')
    }
    await statusOf(ann).getByText('Offline', { exact: true }).waitFor()
    // All is saved, and nothing is counted as kept, also after a reload.
    await ann.reload()
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('before, ')
    await statusOf(ann).getByText('Offline', { exact: true }).waitFor()
    await typeIn(ann, 'Text 1', 'meanwhile, ')
    await statusOf(ann)
      .getByText(/edits? kept on this device/)
      .waitFor()
    await ann.reload()
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('before, meanwhile, ')
    await typeIn(ann, 'Text 1', 'after the reload')
    await statusOf(ann)
      .getByText(/edits? kept on this device/)
      .waitFor()
    await using server = await startJoinery(options)
    await saved(ann)
    const bob = await visit(address)
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('before, meanwhile, after the reload')
    await server.child.end('SIGTERM')
  })

  it('[E54] opens from the kept page while a proxy answers for a server that is down, and while nobody answers', async () => {
    await using home = await tempDirectory()
    const options = { directory: join(home.path, 'data'), port: await freePort() }
    let ann: Page
    {
      await using server = await startJoinery(options)
      ann = await visit(`http://127.0.0.1:${options.port}/w/proxied`)
      await ann.getByRole('button', { name: 'Add text block' }).click()
      await typeIn(ann, 'Text 1', 'kept')
      await saved(ann)
      await expect.poll(() => ann.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
      await server.child.end('SIGTERM')
    }
    const silent = { is: false }
    const proxy = createServer((_request, response) => {
      if (!silent.is) response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')
    })
    proxy.listen(options.port, '127.0.0.1')
    await once(proxy, 'listening')
    try {
      await ann.reload()
      await expect.poll(() => shownText(ann, 'Text 1')).toBe('kept')
      silent.is = true
      await ann.reload()
      await expect.poll(() => shownText(ann, 'Text 1')).toBe('kept')
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })

  it('loses nothing when the server is killed while somebody types', async () => {
    await using home = await tempDirectory()
    const options = { directory: join(home.path, 'data'), port: await freePort() }
    const address = `http://127.0.0.1:${options.port}/w/killed`
    let ann: Page
    {
      await using server = await startJoinery(options)
      ann = await visit(address)
      await ann.getByRole('button', { name: 'Add text block' }).click()
      await ann.getByRole('textbox', { name: 'Content of Text 1' }).click()
      const typing = ann.keyboard.type('0123456789'.repeat(8), { delay: 10 })
      await expect.poll(async () => (await shownText(ann, 'Text 1')).length).toBeGreaterThan(20)
      await server.child.end('SIGKILL')
      await typing
    }
    await statusOf(ann)
      .getByText(/^Offline/)
      .waitFor()
    await using server = await startJoinery(options)
    await saved(ann)
    const bob = await visit(address)
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('0123456789'.repeat(8))
    await server.child.end('SIGTERM')
  })
})

describe.skipIf(!pages.isThere)('a page that is older than its server', () => {
  /** Each server here has no workspace. */
  afterEach(() => void pages.errors.splice(0))

  const openWithText = async (url: string, serviceWorkers: 'allow' | 'block'): Promise<Page> => {
    const page = await pages.open(url, { serviceWorkers })
    await page.getByRole('button', { name: 'Add text block' }).click()
    return page
  }
  const openPanel = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('button', { name, exact: true }).click()
    await page
      .getByRole('complementary', { name })
      .getByRole('button', { name: `Close ${name}` })
      .waitFor()
  }

  it('[E138] an open page finds its own late parts after two newer builds, and others of the origin keep their files', async () => {
    await using builds = await serveBuilds()
    const ann = await openWithText(`${builds.url}/w/older`, 'allow')
    /** Builds whose files the device keeps, the oldest first. */
    const kept = () => ann.evaluate(async () => (await caches.keys()).map((name) => name.split(' ').at(-1)))
    const activated = async (name: string): Promise<void> => {
      await expect.poll(kept).toContain(name)
      // The worker of a build has a cache while it installs, and the registration names it until it is active.
      await expect
        .poll(() =>
          ann.evaluate(async () => {
            const { installing, waiting, active } = await navigator.serviceWorker.ready
            return installing ?? waiting ?? active?.state
          }),
        )
        .toBe('activated')
    }
    /** Another tab of the same device. */
    const another = async (): Promise<Page> => {
      const [page] = await Promise.all([ann.waitForEvent('popup'), ann.evaluate(() => void window.open(location.href))])
      return page
    }
    await ann.evaluate(() => caches.open('of another application'))
    await expect.poll(() => ann.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
    const [first = ''] = (await kept()).filter((name) => name !== 'application')
    builds.deploy('second')
    const bob = await another()
    await activated('second')
    await openPanel(ann, 'Comments')
    expect(await kept()).toEqual([first, 'application', 'second'])
    await bob.close()
    builds.deploy('third')
    await another()
    await activated('third')
    await expect.poll(kept).toEqual([first, 'application', 'third'])
    await openPanel(ann, 'Conflicts')
  })

  it('[E64] a part that can’t be loaded can be tried again, or says that the server has a newer page, and the page goes on', async () => {
    await using builds = await serveBuilds()
    const ann = await openWithText(`${builds.url}/w/outdated`, 'block')
    await ann.keyboard.type('kept ')
    const panel = ann.getByRole('complementary', { name: 'Comments' })
    await ann.route('**/assets/comments-panel-*', (route) => route.abort())
    await ann.getByRole('button', { name: 'Comments', exact: true }).click()
    await panel.getByRole('alert').getByText('What you wrote is safe.').waitFor()
    await ann.unroute('**/assets/comments-panel-*')
    await panel.getByRole('button', { name: 'Try again' }).click()
    await panel.getByText('Nobody has commented').waitFor()
    builds.deploy('second')
    await ann.getByRole('button', { name: 'Conflicts', exact: true }).click()
    await ann.getByRole('alert').getByText('newer version of the page').waitFor()
    await typeIn(ann, 'Text 1', 'and typed on')
    await statusOf(ann)
      .getByText(/kept on this device/)
      .waitFor()
    await ann.getByRole('button', { name: 'Load the page again' }).click()
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('kept and typed on')
    await openPanel(ann, 'Conflicts')
  })
})
