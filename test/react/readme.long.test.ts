import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, newPage, requireChromium } from '../browser/chromium.ts'
import { servePage } from '../browser/page-server.ts'
import { bundle } from '../size/bundle.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const ADDRESS = 'ws://127.0.0.1:1234'
const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const example = /```tsx\n(import .*?)\n```/s.exec(README)?.[1] ?? expect.fail('README.md has no example for React')
const executable = requireChromium()

describe.skipIf(executable === undefined)('the React example in README.md', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium(executable ?? '')
  })
  afterAll(() => browser?.close())

  it('[R19] shows two people the same notes, with carets kept, and says when they are saved', async () => {
    await using directory = await tempDirectory()
    await using joinery = await startJoinery({ directory: directory.path, durability: 'memory' })
    expect(example).toContain(ADDRESS)
    const { code } = await bundle(example.replace(ADDRESS, joinery.url))
    const site = await servePage(code, '<div id="root"></div>')
    const errors: string[] = []
    const visit = async (): Promise<Page> => {
      const page = await newPage(browser)
      page.on('pageerror', (error) => errors.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('favicon')) errors.push(message.text())
      })
      await page.goto(site.url)
      await page.getByRole('status').getByText('saved', { exact: true }).waitFor()
      return page
    }
    try {
      const [ada, bob] = [await visit(), await visit()]
      await ada.getByRole('button', { name: 'Add' }).click()
      const note = ada.getByRole('textbox')
      await note.pressSequentially('cut once')
      const theirs = bob.getByRole('textbox')
      await expect.poll(() => theirs.inputValue()).toBe('cut once')
      // Ada's caret is after "cut"; Bob writes before it; what Ada types next is still after "cut".
      await note.evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(3, 3))
      await theirs.evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(0, 0))
      await theirs.pressSequentially('measure twice, ')
      await expect.poll(() => note.inputValue()).toBe('measure twice, cut once')
      await note.pressSequentially(' it')
      await expect.poll(() => theirs.inputValue()).toBe('measure twice, cut it once')
      for (const page of [ada, bob]) await page.getByRole('status').getByText('saved', { exact: true }).waitFor()
      const newcomer = await visit()
      expect(await newcomer.getByRole('textbox').inputValue()).toBe('measure twice, cut it once')
      expect(errors).toEqual([])
    } finally {
      await site.close()
    }
  })
})
