import { openMemoryStore } from '@joinery/log'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closing, connect, readText, startServer } from '../client/fixture.ts'
import { launchChromium, newPage, requireChromium } from './chromium.ts'
import { bundlePage, servePage } from './page-server.ts'

const executable = requireChromium()

describe.skipIf(executable === undefined)('in a real browser', () => {
  let browser: Browser
  let code: string

  beforeAll(async () => {
    code = await bundlePage()
    browser = await launchChromium(executable ?? '')
  })
  afterAll(() => browser?.close())

  async function openPage(server: string, before: () => void = () => undefined): Promise<Page> {
    const site = closing(await servePage(code))
    const page = closing(await newPage(browser))
    page.on('pageerror', (error) => pageErrors.push(String(error)))
    await page.addInitScript(before)
    await page.goto(`${site.url}/?server=${encodeURIComponent(server)}`)
    return page
  }
  const pageErrors: string[] = []
  const showsStatus = (page: Page, status: string) =>
    page.waitForFunction((wanted) => document.querySelector('output')?.value === wanted, status)

  it('[C20] what was typed offline is there after a reload and goes up when the server is back', async () => {
    const store = closing(openMemoryStore())
    const first = await startServer({ store })
    const page = await openPage(first.url)
    await showsStatus(page, 'saved')
    await page.locator('textarea').pressSequentially('online')
    await showsStatus(page, 'saved')
    await first.close()
    await showsStatus(page, 'kept here')
    await page.locator('textarea').pressSequentially(', offline')
    await showsStatus(page, 'kept here')

    await page.reload()
    await page.waitForSelector('body[data-loaded]')
    expect(await page.locator('textarea').inputValue()).toBe('online, offline')

    const server = await startServer({ store, port: first.port })
    await showsStatus(page, 'saved')
    const other = connect(server)
    await other.whenSynced
    expect(readText(other)).toBe('online, offline')
    expect(pageErrors).toEqual([])
  })

  it('[C90] a page whose IndexedDB never answers is connected and saved all the same', async () => {
    const server = await startServer()
    const page = await openPage(server.url, () => {
      IDBFactory.prototype.open = () => ({}) as IDBOpenDBRequest
    })
    await showsStatus(page, 'saved')
    await page.locator('textarea').pressSequentially('saved')
    await showsStatus(page, 'saved')
    const other = connect(server)
    await other.whenSynced
    expect(readText(other)).toBe('saved')
    expect(pageErrors).toEqual([])
  })

  it('[C91] what a person deletes of a page’s data is there again, with what was typed since', async () => {
    const server = await startServer()
    const page = await openPage(server.url)
    await showsStatus(page, 'saved')
    await page.locator('textarea').pressSequentially('before')
    await showsStatus(page, 'saved')
    await page.evaluate(async () => {
      for (const { name = '' } of await indexedDB.databases()) {
        await new Promise((resolve) => {
          indexedDB.deleteDatabase(name).onsuccess = resolve
        })
      }
    })
    await page.locator('textarea').pressSequentially(', after')
    await server.close()
    await showsStatus(page, 'kept here')
    await page.reload()
    await page.waitForSelector('body[data-loaded]')
    expect(await page.locator('textarea').inputValue()).toBe('before, after')
    expect(pageErrors).toEqual([])
  })

  it.each([9, 20])('[S46] %i MB typed offline go up when the server is back', async (megabytes) => {
    const store = closing(openMemoryStore())
    const first = await startServer({ store })
    const page = await openPage(first.url)
    await showsStatus(page, 'saved')
    await first.close()
    await showsStatus(page, 'kept here')
    await page.evaluate((chars) => {
      const textarea = document.querySelector('textarea') as HTMLTextAreaElement
      textarea.value = 'x'.repeat(chars)
      textarea.dispatchEvent(new Event('input'))
    }, megabytes * 1_000_000)
    const server = await startServer({ store, port: first.port })
    await showsStatus(page, 'saved')
    const other = connect(server)
    await other.whenSynced
    expect(readText(other)).toHaveLength(megabytes * 1_000_000)
    expect(pageErrors).toEqual([])
  })

  it('[C22] two tabs meet on the server when both are open', async () => {
    const server = await startServer()
    const [one, two] = [await openPage(server.url), await openPage(server.url)]
    await Promise.all([showsStatus(one, 'saved'), showsStatus(two, 'saved')])
    await one.locator('textarea').pressSequentially('from one')
    await two.waitForFunction(() => document.querySelector('textarea')?.value === 'from one')
    expect(pageErrors).toEqual([])
  })

  it('[C41] the bundle for browsers holds nothing of Node’s WebSocket', () => {
    expect(code).not.toContain('perMessageDeflate')
    expect(code).not.toContain('node:')
  })
})
