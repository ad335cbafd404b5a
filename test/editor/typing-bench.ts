/**
 * Measures how long a keystroke takes to be seen in a workspace of 500 blocks, beside the same page without Joinery (the
 * editor's own components on plain state): `node test/editor/typing-bench.ts [spread|one]`. Needs Debian's chromium. Takes about a
 * minute; exits with 1 when the bound is missed.
 */
import { join } from 'node:path'
import { connectWorkspace } from '@joinery/client'
import { type Browser, chromium, type Page } from 'playwright-core'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { newPage, requireChromium } from '../browser/chromium.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { buildPlainPage } from './typing-bench/build-plain-page.ts'
import { servePlain } from './typing-bench/serve-plain.ts'
import { cpuClock, measureTyping, percentile } from './typing-bench/typing.ts'

const BLOCKS = 500
const CHARACTERS = 20_000
const LETTERS = 100
const LETTERS_AT_ONCE = 10
const DELAY_MS = 30
const ROUNDS = 3
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
  one: (at) => (at === 0 ? prose(CHARACTERS) : ''),
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
  const page = await newPage(browser, { viewport: { width: 1_200, height: 800 } })
  page.on('pageerror', (error) => process.stderr.write(`${String(error)}\n`))
  // Both show the list: the page without Joinery has no canvas to compare with.
  await page.addInitScript(() => localStorage.setItem('joinery view', 'list'))
  await page.goto(url)
  await page.getByRole('region', { name: `Text ${BLOCKS - 1}`, exact: true }).waitFor({ state: 'attached' })
  return page
}

/** A page under measurement. */
interface Subject {
  readonly page: Page
  readonly cpu: () => Promise<number>
}

async function subject(browser: Browser, url: string): Promise<Subject> {
  const page = await open(browser, url)
  return { page, cpu: await cpuClock(page) }
}

/** Types on both pages in turn, a few letters at a time, so that both meet the same moments of a machine that others use, too. */
async function measureBoth(subjects: Record<Side, Subject>): Promise<Round> {
  const round: Round = { plain: { paintMs: [], cpuMs: 0 }, joinery: { paintMs: [], cpuMs: 0 } }
  for (let typed = 0; typed < LETTERS; typed += LETTERS_AT_ONCE) {
    for (const side of SIDES) {
      const { page, cpu } = subjects[side]
      const before = await cpu()
      round[side].paintMs.push(
        ...(await measureTyping(page, 'Content of Text 0', WORDS.slice(0, LETTERS_AT_ONCE), DELAY_MS)),
      )
      round[side].cpuMs += ((await cpu()) - before) * 1_000
    }
  }
  return round
}

const SIDES = ['plain', 'joinery'] as const
type Side = (typeof SIDES)[number]
type Round = Record<Side, { readonly paintMs: number[]; cpuMs: number }>

function ratioOf({ plain, joinery }: Round): number {
  return percentile(joinery.paintMs, 0.95) / percentile(plain.paintMs, 0.95)
}

function report(row: string, rounds: readonly Round[]): number {
  const all = (side: Side) => ({
    paintMs: rounds.flatMap((round) => round[side].paintMs),
    cpuMs: rounds.reduce((sum, round) => sum + round[side].cpuMs, 0),
  })
  const whole: Round = { plain: all('plain'), joinery: all('joinery') }
  const ratio = ratioOf(whole)
  const each = rounds.map(ratioOf)
  const figures = ({ paintMs, cpuMs }: Round[Side]): string =>
    [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${percentile(paintMs, share).toFixed(1)} ms`).join(', ') +
    `; CPU of the main thread ${(cpuMs / paintMs.length).toFixed(2)} ms each`
  const cpuRatio = whole.joinery.cpuMs / whole.plain.cpuMs
  process.stdout.write(
    `${row}: p95 of ${whole.plain.paintMs.length} keystrokes, Joinery / plain: ${ratio.toFixed(2)}, at most ${RATIO_MAX} ` +
      `(rounds ${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)}); CPU of the main thread: ${cpuRatio.toFixed(2)}\n` +
      `  plain   ${figures(whole.plain)}\n  Joinery ${figures(whole.joinery)}\n`,
  )
  return ratio
}

const asked = process.argv.slice(2)
const unknown = asked.filter((row) => !Object.hasOwn(ROWS, row))
if (unknown.length > 0) {
  process.stderr.write(`there is no row ${unknown.join(', ')}: ${Object.keys(ROWS).join(', ')}\n`)
  process.exit(2)
}
const rows = Object.entries(ROWS).filter(([row]) => asked.length === 0 || asked.includes(row))
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
  for (const [row, textAt] of rows) {
    const blocks = blocksOf(textAt)
    const workspace = `typing-${row}`
    await fill(server.url, workspace, blocks)
    const plain = await servePlain(await buildPlainPage(blocks))
    const subjects = {
      plain: await subject(browser, plain.url),
      joinery: await subject(browser, `${server.url.replace('ws', 'http')}/w/${workspace}`),
    }
    // The first keystrokes compile what the others run.
    await measureBoth(subjects)
    const rounds: Round[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measureBoth(subjects))
    for (const { page } of Object.values(subjects)) await page.context().close()
    plain.close()
    if (report(row, rounds) > RATIO_MAX) isMissed = true
  }
} finally {
  await browser.close()
}
process.exit(isMissed ? 1 : 0)
