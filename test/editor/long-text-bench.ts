/**
 * Measures typing in the large editor in a text of 200,000 characters, beside the same page on plain state, without Joinery:
 * `node test/editor/long-text-bench.ts`. Needs Debian's chromium. Ends with 1 if Joinery is slower than {@link RATIO_MAX} allows.
 * No letter waits for another one: held keys would measure how long a queue grows.
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
import { cpuClock, percentile, ratioOfTurns, typeOneByOne } from './typing-bench/typing.ts'

const CHARACTERS = 200_000
const LETTERS = 'measure it'
const TURNS = 20
/** Pauses as of a quick typist, each another one, so that keys meet frames at any moment. */
const pauseMs = (): number => 60 + Math.random() * 60
const RATIO_MAX = 1.5
const WORDS = 'measure **twice** and cut *once* '
const LABEL = 'Text of Long'
/** Without the wait for a screen's next frame, which would be most of what is measured. */
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

/** The page with its large editor open, as a person opens it: with the pointer on the page, the caret in the middle of the text. */
async function openText(browser: Browser, url: string): Promise<Page> {
  const page = await newPage(browser, { viewport: { width: 1_200, height: 800 } })
  page.on('pageerror', (error) => process.stderr.write(`${String(error)}\n`))
  // Both show the list behind it, so that nothing is left to chance of how a canvas fits.
  await page.addInitScript(() => localStorage.setItem('joinery view', 'list'))
  await page.goto(url)
  await page.getByRole('button', { name: 'Large editor of Long' }).click()
  await page.getByRole('textbox', { name: LABEL }).focus()
  await page.keyboard.press('Control+Home')
  for (let down = 0; down < 20; down++) await page.keyboard.press('PageDown')
  await page.keyboard.press('End')
  return page
}

const SIDES = ['plain', 'Joinery'] as const
type Side = (typeof SIDES)[number]
type Turn = Record<Side, { readonly paintMs: readonly number[]; readonly cpuMs: number }>

const executablePath = requireChromium()
if (executablePath === undefined) process.exit(1)
await ensureEditorBuilt()
await using home = await tempDirectory()
await using server = await startJoinery({ directory: join(home.path, 'data'), env: { TMPDIR: home.path } })
const text = report(CHARACTERS)
await fill(server.url, text)
const plain = await servePlain(await buildPlainPage([{ id: 'long', title: 'Long', text }]))
const browser = await chromium.launch({ executablePath, args: HELD })
const turns: Turn[] = []
try {
  const pages = {
    plain: await openText(browser, plain.url),
    Joinery: await openText(browser, `${server.url.replace('ws', 'http')}/w/long`),
  }
  const cpu = { plain: await cpuClock(pages.plain), Joinery: await cpuClock(pages.Joinery) }
  const typeOn = async (side: Side): Promise<Turn[Side]> => {
    const before = await cpu[side]()
    const paintMs = await typeOneByOne(pages[side], LETTERS, pauseMs)
    return { paintMs, cpuMs: ((await cpu[side]()) - before) * 1_000 }
  }
  // In turn, and the other one first each time, so that both meet the same moments of a machine that others use, too.
  for (let turn = -2; turn < TURNS; turn++) {
    const isPlainFirst = turn % 2 === 0
    const first = isPlainFirst ? await typeOn('plain') : await typeOn('Joinery')
    const second = isPlainFirst ? await typeOn('Joinery') : await typeOn('plain')
    // The first keystrokes compile what the others run.
    if (turn >= 0) turns.push(isPlainFirst ? { plain: first, Joinery: second } : { plain: second, Joinery: first })
  }
} finally {
  await browser.close()
  plain.close()
}

const paintsOf = (some: readonly Turn[], side: Side): number[] => some.flatMap((turn) => turn[side].paintMs)
const cpuOf = (some: readonly Turn[], side: Side): number => some.reduce((sum, turn) => sum + turn[side].cpuMs, 0)
const ratioAt = (share: number) => (some: readonly Turn[]) =>
  percentile(paintsOf(some, 'Joinery'), share) / percentile(paintsOf(some, 'plain'), share)
process.stdout.write(
  `${CHARACTERS} characters, ${TURNS * LETTERS.length} keystrokes each, Joinery / plain: p95 ${ratioOfTurns(turns, ratioAt(0.95))}, ` +
    `at most ${RATIO_MAX}; p50 ${ratioOfTurns(turns, ratioAt(0.5))}; ` +
    `CPU of the main thread ${ratioOfTurns(turns, (some) => cpuOf(some, 'Joinery') / cpuOf(some, 'plain'))}\n`,
)
for (const side of SIDES) {
  const paintMs = paintsOf(turns, side)
  const shares = [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${percentile(paintMs, share).toFixed(1)} ms`)
  process.stdout.write(
    `  ${side} ${shares.join(', ')}; CPU ${(cpuOf(turns, side) / paintMs.length).toFixed(2)} ms each\n`,
  )
}
process.exit(ratioAt(0.95)(turns) > RATIO_MAX ? 1 : 0)
