/**
 * Measures how long a keystroke takes to be seen in a workspace of 500 blocks, beside the same page without Joinery (the
 * editor's own components on plain state): `node test/editor/typing-bench.ts`. Needs Debian's chromium. Takes about a
 * minute; exits with 1 when the bound is missed.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connectWorkspace } from '@joinery/client'
import { type Browser, chromium, type Page } from 'playwright-core'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { requireChromium } from '../browser/chromium.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { buildPlainPage } from './typing-bench/build-plain-page.ts'
import { measureTyping, percentile } from './typing-bench/typing.ts'

const BLOCKS = 500
const CHARACTERS = 20_000
const LETTERS = 100
const LETTERS_AT_ONCE = 10
const DELAY_MS = 30
const ROUNDS = 4
const RATIO_MAX = 1.5
const WORDS = 'measure twice and cut once '

interface Block {
  readonly id: string
  readonly title: string
  readonly text: string
}

/** Text of `length` characters, in lines as people write them. */
function prose(length: number): string {
  return WORDS.repeat(Math.ceil(length / WORDS.length))
    .slice(0, length)
    .replaceAll(/(.{200}) /g, '$1\n')
}

/** All characters spread over the blocks, or all of them in the first, which is the one that is typed in. */
const ROWS: Readonly<Record<string, (at: number) => string>> = {
  spread: () => prose(CHARACTERS / BLOCKS),
  'in one block': (at) => (at === 0 ? prose(CHARACTERS) : ''),
}

function blocksOf(textAt: (at: number) => string): Block[] {
  return Array.from({ length: BLOCKS }, (_, at) => ({
    id: `block-${String(at).padStart(4, '0')}`,
    title: `Text ${at}`,
    text: textAt(at),
  }))
}

async function fill(url: string, workspace: string, blocks: readonly Block[]): Promise<void> {
  await using writer = connectWorkspace({ url, workspace, actor: 'filler', source: 'user_action' })
  await writer.whenSynced
  writer.transact(() => {
    for (const { id, title, text } of blocks) {
      const block = writer.blocks.create(id, { type: 'text' })
      block.fields.set('title', title, { source: 'user_action', actor: 'filler' })
      block.content.insert(0, text)
    }
  })
  await writer.whenDurable()
}

async function open(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1_200, height: 800 } })).newPage()
  page.on('pageerror', (error) => process.stderr.write(`${String(error)}\n`))
  await page.goto(url)
  await page.getByRole('region', { name: `Text ${BLOCKS - 1}`, exact: true }).waitFor({ state: 'attached' })
  return page
}

async function servePlain(html: string): Promise<{ url: string; close(): void }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Types on both pages in turn, a few letters at a time, so that both meet the same moments of a machine that others use, too. */
async function measureBoth(plain: Page, joinery: Page): Promise<Round> {
  const times = { plain: [] as number[], joinery: [] as number[] }
  for (let typed = 0; typed < LETTERS; typed += LETTERS_AT_ONCE) {
    const letters = WORDS.slice(0, LETTERS_AT_ONCE)
    times.plain.push(...(await measureTyping(plain, 'Text 0', letters, DELAY_MS)))
    times.joinery.push(...(await measureTyping(joinery, 'Text 0', letters, DELAY_MS)))
  }
  return times
}

interface Round {
  readonly plain: readonly number[]
  readonly joinery: readonly number[]
}

function ratioOf({ plain, joinery }: Round): number {
  return percentile(joinery, 0.95) / percentile(plain, 0.95)
}

function figures(paintMs: readonly number[]): string {
  return [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${percentile(paintMs, share).toFixed(1)} ms`).join(', ')
}

const executablePath = requireChromium()
if (executablePath === undefined) process.exit(1)
await ensureEditorBuilt()
await using home = await tempDirectory()
await using server = await startJoinery({ directory: join(home.path, 'data'), env: { TMPDIR: home.path } })
// Without the wait for a screen's next frame, which would be most of what is measured.
const args = ['--no-sandbox', '--disable-gpu', '--disable-frame-rate-limit', '--disable-gpu-vsync']
const browser = await chromium.launch({ executablePath, args })
let isMissed = false
try {
  for (const [row, textAt] of Object.entries(ROWS)) {
    const blocks = blocksOf(textAt)
    const workspace = `typing-${row.replaceAll(' ', '-')}`
    await fill(server.url, workspace, blocks)
    const plain = await servePlain(await buildPlainPage(blocks))
    const pages = [
      await open(browser, plain.url),
      await open(browser, `${server.url.replace('ws', 'http')}/w/${workspace}`),
    ]
    const [alone, shared] = pages
    if (alone === undefined || shared === undefined) throw new Error('two pages were opened')
    // The first keystrokes compile what the others run.
    await measureBoth(alone, shared)
    const rounds: Round[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measureBoth(alone, shared))
    for (const page of pages) await page.context().close()
    plain.close()
    const ratio = ratioOf({ plain: rounds.flatMap((it) => it.plain), joinery: rounds.flatMap((it) => it.joinery) })
    if (ratio > RATIO_MAX) isMissed = true
    const each = rounds.map(ratioOf)
    process.stdout.write(
      `${row}: p95 of ${ROUNDS * LETTERS} keystrokes, Joinery / plain: ${ratio.toFixed(2)}, at most ${RATIO_MAX} ` +
        `(rounds ${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)})\n` +
        `  plain ${figures(rounds.flatMap((it) => it.plain))}\n  Joinery ${figures(rounds.flatMap((it) => it.joinery))}\n`,
    )
  }
} finally {
  await browser.close()
}
process.exit(isMissed ? 1 : 0)
