import { openMemoryStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import { closing, connect, readText, startServer } from '../client/fixture.ts'
import { requireChromium } from './chromium.ts'
import { sdkPages } from './sdk-pages.ts'

const executable = requireChromium()

describe.skipIf(executable === undefined)('a lot of text, in a real browser', () => {
  const { open: openPage, showsStatus, errors: pageErrors } = sdkPages(executable ?? '')

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
})
