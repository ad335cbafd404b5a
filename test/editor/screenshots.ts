/**
 * Makes the README's pictures and its recording from the running editor: `node test/editor/screenshots.ts [DIRECTORY]`, by default
 * into `apps/editor/screenshots`. Needs Debian's chromium.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { launchChromium, newPage, requireChromium } from '../browser/chromium.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { FILM_SIZE } from './pictures/film.ts'
import { playStory, setScene } from './pictures/story.ts'
import { PATIENCE_MS, stopClock } from './stopped-clock.ts'

const SIZE = { width: 1_100, height: 640 }
const PASSAGE =
  'A mortise and tenon holds without glue: the parts are made apart and fit without force. Cut the mortise first, then the tenon to its measure.'

async function visit(
  browser: Browser,
  url: string,
  person: string,
  scheme: 'light' | 'dark',
  viewport = SIZE,
): Promise<Page> {
  const page = await newPage(browser, { viewport, colorScheme: scheme })
  await page.addInitScript(
    (stored) => localStorage.setItem('joinery person', stored),
    JSON.stringify({ name: person, hue: person === 'Ann' ? 20 : 200 }),
  )
  await page.goto(url)
  await saved(page)
  process.stderr.write(`${person} is there\n`)
  return page
}

function saved(page: Page): Promise<void> {
  return page.getByRole('status', { name: 'Save status' }).getByText('Saved', { exact: true }).waitFor()
}

async function work(ann: Page, bob: Page): Promise<void> {
  await ann.getByRole('button', { name: 'Add vector collection' }).click()
  await ann.getByRole('button', { name: 'Add text block' }).click()
  await ann.getByRole('button', { name: 'Add text block' }).click()
  await ann.getByRole('textbox', { name: 'Content of Text 1' }).fill(PASSAGE)
  await bob.getByRole('textbox', { name: 'Content of Text 2' }).fill('Measure twice, cut once.')
  await ann.getByRole('button', { name: 'Connect Text 1 to…' }).click()
  await ann.getByRole('combobox', { name: 'Connect Text 1 to' }).selectOption({ label: 'Collection 1' })
  await saved(ann)
  const collection = ann.getByRole('region', { name: 'Collection 1' })
  await collection.getByRole('button', { name: 'Start index' }).click()
  await collection.getByText(/main: Done/).waitFor()
  await collection.getByRole('searchbox').fill('fits without force')
  await collection.getByRole('button', { name: 'Search' }).click()
  await saved(ann)
}

/** Selects `passage`, as somebody who is about to write over it. */
async function placeCaret(page: Page, title: string, passage: string): Promise<void> {
  await page.getByRole('textbox', { name: `Content of ${title}` }).evaluate((field: HTMLTextAreaElement, passage) => {
    const start = field.value.indexOf(passage)
    field.focus()
    field.setSelectionRange(start, start + passage.length)
  }, passage)
}

/** A picture of the first screen once its boards have played. */
async function playTwoBoards(browser: Browser, url: string, path: string): Promise<void> {
  const page = await newPage(browser, { viewport: { width: 1_100, height: 680 }, colorScheme: 'light' })
  await stopClock(page)
  await page.goto(url)
  await page.getByRole('region', { name: 'Joinery', exact: true }).waitFor()
  await page.clock.runFor(PATIENCE_MS)
  await page.getByText('Lost:').waitFor()
  await page.screenshot({ path })
}

/** A picture of the demonstration at its end, with what it found. */
async function demonstrate(browser: Browser, url: string, path: string): Promise<void> {
  const page = await visit(browser, url, 'Ann', 'light')
  await page.getByRole('button', { name: 'Demonstration' }).click()
  const panel = page.getByRole('complementary', { name: 'Demonstration' })
  await panel.getByRole('button', { name: 'A day’s work' }).click()
  await panel.locator('[data-state=finished]').waitFor()
  await panel.getByText('Never a step back').first().waitFor()
  await saved(page)
  await page.screenshot({ path })
}

/** A recording of two people and a job at work. */
async function record(browser: Browser, url: string, path: string): Promise<void> {
  const workspace = 'recording'
  const server = new URL('/', url).href.replace('http', 'ws').slice(0, -1)
  await setScene(server, workspace)
  const address = new URL(`/w/${workspace}`, url).href
  const ann = await visit(browser, address, 'Ann', 'light', FILM_SIZE)
  const bob = await visit(browser, address, 'Bob', 'light', FILM_SIZE)
  const film = await playStory(ann, bob, server, workspace)
  await writeFile(path, await film.develop(browser))
}

const executable = requireChromium()
if (executable === undefined) process.exit(1)
const directory = process.argv[2] ?? fileURLToPath(new URL('../../apps/editor/screenshots/', import.meta.url))
await mkdir(directory, { recursive: true })
await ensureEditorBuilt()
await using home = await tempDirectory()
await using server = await startJoinery({ directory: join(home.path, 'data'), env: { TMPDIR: home.path } })
const browser = await launchChromium(executable)
try {
  const url = `${server.url.replace('ws', 'http')}/w/workshop`
  const ann = await visit(browser, url, 'Ann', 'light')
  const bob = await visit(browser, url, 'Bob', 'dark')
  await work(ann, bob)
  await bob.getByText(/main: Done/).waitFor()
  await placeCaret(bob, 'Text 2', 'cut')
  await ann.locator('mark', { hasText: 'cut' }).waitFor()
  await ann.screenshot({ path: join(directory, 'board-light.png') })
  await placeCaret(ann, 'Text 1', 'the parts are made apart')
  await bob.locator('mark', { hasText: 'the parts' }).waitFor()
  await bob.screenshot({ path: join(directory, 'board-dark.png') })
  await ann.getByRole('textbox', { name: 'Content of Text 2' }).fill('Measure once, cut twice.')
  await saved(ann)
  await ann.getByRole('button', { name: 'History' }).click()
  const slider = ann.getByRole('slider')
  await slider.waitFor()
  await slider.press('ArrowLeft')
  await slider.press('ArrowLeft')
  await ann.getByText('Changed since then').waitFor()
  await ann.getByText('Reading…').waitFor({ state: 'detached' })
  await ann.screenshot({ path: join(directory, 'history-light.png') })
  await playTwoBoards(browser, new URL('/', url).href, join(directory, 'first-screen-light.png'))
  await demonstrate(browser, url.replace('workshop', 'demo'), join(directory, 'demonstration-light.png'))
  await record(browser, url, join(directory, 'recording.gif'))
} finally {
  await browser.close()
}
