/**
 * Measures the canvas with 1,000 blocks and 1,500 edges beside the same React Flow page on local data (the editor's own components on
 * plain state): how long it takes to open, the frames of a pan, a keystroke, and the JavaScript of the first load.
 * `node test/editor/canvas-bench.ts`. Needs Debian's chromium. Takes about a minute; exits with 1 when a bound is missed.
 */
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { setEdge } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import type { Browser, Page } from 'playwright-core'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { launchChromium, newPage, requireChromium } from '../browser/chromium.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { buildPlainPage } from './typing-bench/build-plain-page.ts'
import { servePlain } from './typing-bench/serve-plain.ts'
import { measureTyping, percentile } from './typing-bench/typing.ts'

const BLOCKS = 1_000
const EDGES = 1_500
const OPENINGS = 5
const PANS = 3
const LETTERS = 60
const RATIO_MAX = 1.5
const FRAMES_MIN = 30
const FIRST_LOAD_BYTES_MAX = 300 * 1024
const AUTHOR = { source: 'user_action', actor: 'filler' } as const

const blocks = Array.from({ length: BLOCKS }, (_, n) => ({
  id: `block-${String(n).padStart(4, '0')}`,
  title: `Text ${n}`,
  text: `Measure ${n} times and cut once.`,
}))
const edges = Array.from({ length: EDGES }, (_, n) => ({
  id: `edge-${n}`,
  source: blocks[n % BLOCKS]?.id ?? '',
  target: blocks[(n * 7 + 13) % BLOCKS]?.id ?? '',
}))

type Side = 'plain' | 'joinery'
const SIDES: readonly Side[] = ['plain', 'joinery']

async function fill(url: string, workspace: string): Promise<void> {
  await using writer = connectWorkspace({ url, workspace, ...AUTHOR })
  await writer.whenSynced
  writer.transact(() => {
    for (const { id, title, text } of blocks) {
      const block = writer.blocks.create(id, { type: 'text' })
      block.fields.set('title', title, AUTHOR)
      block.content.insert(0, text)
    }
  })
  writer.transact(() => {
    for (const { id, source, target } of edges) setEdge(writer.doc, id, { source, target })
  })
  await writer.whenDurable()
}

interface Opened {
  readonly page: Page
  /** From the start of the load until the first frame with a node, ms. */
  readonly openMs: number
  /** JavaScript that was loaded until then, bytes, gzipped. */
  readonly scriptBytes: number
}

/** Opens a page on a device that has not seen the workspace. */
async function open(browser: Browser, url: string): Promise<Opened> {
  const page = await newPage(browser, { viewport: { width: 1_280, height: 800 }, serviceWorkers: 'block' })
  page.on('pageerror', (error) => process.stderr.write(`${String(error)}\n`))
  const scripts: Promise<number>[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return
    scripts.push(response.body().then((body) => gzipSync(body).length))
  })
  await page.addInitScript(() => {
    localStorage.setItem('joinery view', 'canvas')
    const watch = (): void => {
      const node = document.querySelector('.react-flow__node .card')
      if (node === null) requestAnimationFrame(watch)
      else requestAnimationFrame(() => Object.assign(globalThis, { shownMs: performance.now() }))
    }
    watch()
  })
  await page.goto(url)
  const shown = await page.waitForFunction(() => (globalThis as unknown as { shownMs?: number }).shownMs)
  const scriptBytes = (await Promise.all([...scripts])).reduce((sum, bytes) => sum + bytes, 0)
  return { page, openMs: Number(await shown.jsonValue()), scriptBytes }
}

/** Frames per second while a wheel pans over the board. */
async function measurePan(page: Page): Promise<number> {
  await page.mouse.move(640, 500)
  await page.evaluate(() => {
    const frames = { count: 0, from: performance.now(), isOver: false }
    Object.assign(globalThis, { panned: frames })
    const count = (): void => {
      if (frames.isOver) return
      frames.count += 1
      requestAnimationFrame(count)
    }
    requestAnimationFrame(count)
  })
  for (let turn = 0; turn < 60; turn++) {
    const way = turn < 30 ? 1 : -1
    await page.mouse.wheel(way * 60, way * 90)
  }
  return page.evaluate(() => {
    const { panned } = globalThis as unknown as { panned: { count: number; from: number; isOver: boolean } }
    panned.isOver = true
    return (panned.count * 1_000) / (performance.now() - panned.from)
  })
}

const median = (values: readonly number[]): number => percentile(values, 0.5)

const executable = requireChromium()
if (executable === undefined) process.exit(1)
await ensureEditorBuilt()
await using home = await tempDirectory()
await using server = await startJoinery({ directory: join(home.path, 'data'), env: { TMPDIR: home.path } })
await fill(server.url, 'canvas')
const plain = await servePlain(await buildPlainPage(blocks, edges))
const urls = { plain: plain.url, joinery: `${server.url.replace('ws', 'http')}/w/canvas` }
const browser = await launchChromium(executable)
const openMs: Record<Side, number[]> = { plain: [], joinery: [] }
const frames: Record<Side, number[]> = { plain: [], joinery: [] }
const keyMs: Record<Side, number[]> = { plain: [], joinery: [] }
let scriptBytes = 0
try {
  let last: Partial<Record<Side, Page>> = {}
  // In turn, so that both meet the same moments of a machine that others use, too. The first opening fills the browser's caches.
  for (let turn = 0; turn <= OPENINGS; turn++) {
    for (const side of SIDES) {
      await last[side]?.context().close()
      const opened = await open(browser, urls[side])
      last = { ...last, [side]: opened.page }
      if (turn > 0) openMs[side].push(opened.openMs)
      if (side === 'joinery') scriptBytes = Math.max(scriptBytes, opened.scriptBytes)
    }
  }
  for (let turn = 0; turn <= PANS; turn++) {
    for (const side of SIDES) {
      const { [side]: page } = last
      if (page === undefined) continue
      const perSecond = await measurePan(page)
      const times = await measureTyping(
        page,
        'Content of Text 0',
        'measure twice and cut once '.repeat(9).slice(0, LETTERS / PANS),
        30,
      )
      if (turn > 0) {
        frames[side].push(perSecond)
        keyMs[side].push(...times)
      }
    }
  }
} finally {
  await browser.close()
  plain.close()
}
const ratio = (values: Record<Side, number[]>, of: (values: number[]) => number): number =>
  of(values.joinery) / of(values.plain)
const p95 = (values: readonly number[]): number => percentile(values, 0.95)
const openRatio = ratio(openMs, median)
const keyRatio = ratio(keyMs, p95)
const isSmooth = median(frames.joinery) >= Math.min(FRAMES_MIN, median(frames.plain))
const words = (values: Record<Side, number[]>, of: (values: number[]) => number): string =>
  `Joinery ${of(values.joinery).toFixed(0)}, plain ${of(values.plain).toFixed(0)}`
process.stdout.write(
  `open, ms (median of ${OPENINGS}): ${words(openMs, median)}: ${openRatio.toFixed(2)}, at most ${RATIO_MAX}\n` +
    `pan, frames/s (median of ${PANS}): ${words(frames, median)}, at least ${FRAMES_MIN} or those of the plain page\n` +
    `keystroke, ms (p95 of ${keyMs.joinery.length}): ${words(keyMs, p95)}: ${keyRatio.toFixed(2)}, at most ${RATIO_MAX}\n` +
    `first load: ${(scriptBytes / 1024).toFixed(0)} KiB of JavaScript, gzipped, at most ${FIRST_LOAD_BYTES_MAX / 1024}\n`,
)
const isMissed = openRatio > RATIO_MAX || keyRatio > RATIO_MAX || !isSmooth || scriptBytes > FIRST_LOAD_BYTES_MAX
process.exit(isMissed ? 1 : 0)
