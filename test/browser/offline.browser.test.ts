import { openMemoryStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import { closing, connect, readText, startServer } from '../client/fixture.ts'
import { requireChromium } from './chromium.ts'
import { sdkPages } from './sdk-pages.ts'

const executable = requireChromium()

describe.skipIf(executable === undefined)('in a real browser', () => {
  const pages = sdkPages(executable ?? '')
  const { open: openPage, showsStatus, errors: pageErrors } = pages

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

  it('[C22] two tabs meet on the server when both are open', async () => {
    const server = await startServer()
    const [one, two] = [await openPage(server.url), await openPage(server.url)]
    await Promise.all([showsStatus(one, 'saved'), showsStatus(two, 'saved')])
    await one.locator('textarea').pressSequentially('from one')
    await two.waitForFunction(() => document.querySelector('textarea')?.value === 'from one')
    expect(pageErrors).toEqual([])
  })

  it('[C41] the bundle for browsers holds nothing of Node’s WebSocket', () => {
    expect(pages.code()).not.toContain('perMessageDeflate')
    expect(pages.code()).not.toContain('node:')
  })
})
