import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { closing } from '../client/fixture.ts'
import { WAIT_MS } from '../support/patience.ts'
import { launchChromium, newPage } from './chromium.ts'
import { bundlePage, servePage } from './page-server.ts'

/** Pages with the SDK and a text area, in a browser of the suite that calls this. */
export function sdkPages(executable: string) {
  const errors: string[] = []
  let browser: Browser
  let code: string

  beforeAll(async () => {
    code = await bundlePage()
    browser = await launchChromium(executable)
  })
  afterAll(() => browser?.close())

  return {
    /** Errors of all pages. */
    errors,
    /** The bundle of the page. */
    code: () => code,
    /** Opens a page that connects to `server`. `before` runs in it first. */
    async open(server: string, before: () => void = () => undefined): Promise<Page> {
      const site = closing(await servePage(code))
      const page = closing(await newPage(browser))
      page.on('pageerror', (error) => errors.push(String(error)))
      await page.addInitScript(before)
      await page.goto(`${site.url}/?server=${encodeURIComponent(server)}`)
      return page
    },
    /** Opens tabs at the address of a page, which share one storage. */
    async tabsOf(url: string): Promise<() => Promise<Page>> {
      const context = closing(await browser.newContext())
      context.setDefaultTimeout(WAIT_MS)
      return async () => {
        const page = await context.newPage()
        page.on('pageerror', (error) => errors.push(String(error)))
        await page.goto(url)
        await page.waitForSelector('body[data-loaded]')
        return page
      }
    },
    showsStatus: (page: Page, status: string) =>
      page.waitForFunction((wanted) => document.querySelector('output')?.value === wanted, status),
  }
}
