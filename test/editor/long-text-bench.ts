/**
 * Measures typing in the large editor in a text of 200,000 characters, beside the same editor on plain state:
 * `node test/editor/long-text-bench.ts`. Needs Debian's chromium. Ends with 1 if Joinery is slower than {@link RATIO_MAX} allows.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connectWorkspace } from '@joinery/client'
import { type Browser, chromium, type Page } from 'playwright-core'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { newPage, requireChromium } from '../browser/chromium.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { buildPlainEditor } from './typing-bench/build-plain-editor.ts'
import { cpuClock, measureTyping, percentile } from './typing-bench/typing.ts'

const CHARACTERS = 200_000
const LETTERS_AT_ONCE = 10
const TURNS = 15
const DELAY_MS = 30
const RATIO_MAX = 1.5
const WORDS = 'measure **twice** and cut *once* '
const LABEL = 'Text of Long'
const HELD = ['--no-sandbox', '--disable-gpu', '--disable-frame-rate-limit', '--disable-gpu-vsync']

/** Paragraphs with a heading each, as a report has them. */
function report(length: number): string {
  const part = `## Part\n\n${WORDS.repeat(20)}\n\n- ${WORDS}\n`
  return part.repeat(Math.ceil(length / part.length)).slice(0, length)
}

async function fill(url: string, text: string): Promise<void> {
  await using writer = connectWorkspace({ url, workspace: 'long', actor: 'filler', source: 'user_action' })
  await writer.whenSynced
  writer.transact(() => {
    const block = writer.blocks.create('long', { type: 'text' })
    block.fields.set('title', 'Long', { source: 'user_action', actor: 'filler' })
    // As people write it: in pieces, here and there.
    for (let at = 0; at < text.length; at += 2_000) block.content.insert(at, text.slice(at, at + 2_000))
  })
  await writer.whenDurable()
}

async function joineryPage(browser: Browser, url: string): Promise<Page> {
  const page = await newPage(browser, { viewport: { width: 1_200, height: 800 } })
  await page.goto(url)
  await page.getByRole('button', { name: 'Large editor of Long' }).click()
  await page.getByRole('textbox', { name: LABEL }).waitFor()
  return page
}

async function plainPage(browser: Browser, html: string): Promise<{ page: Page; close(): void }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const page = await newPage(browser, { viewport: { width: 1_200, height: 800 } })
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await page.getByRole('textbox', { name: LABEL }).waitFor()
  return {
    page,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const executablePath = requireChromium()
if (executablePath === undefined) process.exit(1)
await ensureEditorBuilt()
await using home = await tempDirectory()
await using server = await startJoinery({ directory: join(home.path, 'data'), env: { TMPDIR: home.path } })
const text = report(CHARACTERS)
await fill(server.url, text)
const browser = await chromium.launch({ executablePath, args: HELD })
const SIDES = ['plain', 'Joinery'] as const
const paintMs: Record<(typeof SIDES)[number], number[]> = { plain: [], Joinery: [] }
const cpuMs = { plain: 0, Joinery: 0 }
try {
  const plain = await plainPage(browser, await buildPlainEditor(text, LABEL))
  const pages = { plain: plain.page, Joinery: await joineryPage(browser, `${server.url.replace('ws', 'http')}/w/long`) }
  const cpu = { plain: await cpuClock(pages.plain), Joinery: await cpuClock(pages.Joinery) }
  for (const page of Object.values(pages)) {
    await page.getByRole('textbox', { name: LABEL }).focus()
    await page.keyboard.press('Control+Home')
    for (let down = 0; down < 20; down++) await page.keyboard.press('PageDown')
  }
  // In the middle of the text, and in turn, so that both meet the same moments of a machine that others use, too.
  for (let turn = -2; turn < TURNS; turn++) {
    for (const side of SIDES) {
      const before = await cpu[side]()
      const measured = await measureTyping(pages[side], LABEL, 'measured it'.slice(0, LETTERS_AT_ONCE), DELAY_MS)
      // The first keystrokes compile what the others run.
      if (turn < 0) continue
      paintMs[side].push(...measured)
      cpuMs[side] += ((await cpu[side]()) - before) * 1_000
    }
  }
  plain.close()
} finally {
  await browser.close()
}
const p95 = (side: (typeof SIDES)[number]): number => percentile(paintMs[side], 0.95)
const ratio = p95('Joinery') / p95('plain')
process.stdout.write(
  `${CHARACTERS} characters, p95 of ${paintMs.plain.length} keystrokes, Joinery / plain: ${ratio.toFixed(2)}, at most ${RATIO_MAX}; ` +
    `CPU of the main thread: ${(cpuMs.Joinery / cpuMs.plain).toFixed(2)}\n`,
)
for (const side of SIDES) {
  const shares = [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${percentile(paintMs[side], share).toFixed(1)} ms`)
  process.stdout.write(
    `  ${side} ${shares.join(', ')}; CPU ${(cpuMs[side] / paintMs[side].length).toFixed(2)} ms each\n`,
  )
}
process.exit(ratio > RATIO_MAX ? 1 : 0)
