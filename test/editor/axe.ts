import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Serious and critical findings of axe in the elements that `within` selects: the rule, and the elements. */
export async function violations(page: Page, within = 'html'): Promise<string[]> {
  // Evaluated by the browser itself: the page's own policy lets no script in.
  if (await page.evaluate(() => !('axe' in globalThis))) await page.evaluate(axe)
  // A fading name has no contrast for a moment.
  await page.evaluate(() => Promise.all(document.getAnimations().map((it) => it.finished.catch(() => undefined))))
  // Only what it finds is told in full: the places where all is well are most of the page.
  const { violations, passes } = await page.evaluate(
    (within) =>
      (globalThis as unknown as { axe: { run(within: string, options: object): Promise<AxeResults> } }).axe.run(
        within,
        { resultTypes: ['violations'] },
      ),
    within,
  )
  // axe has looked at something.
  expect(passes.length).toBeGreaterThan(10)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
}

const WIDE = { width: 1_280, height: 720 }
const PHONE = { width: 375, height: 700 }
/** The wide page, enlarged to 200 %. */
const ZOOMED = { width: 640, height: 360 }
/** Between a phone and a page where a panel has a place beside the whole board. */
const MIDDLE = { width: 760, height: 640 }
/** A phone's own elements are checked in one scheme: in the other they have the colours of a wide page. */
export const ALL_LOOKS = [
  { size: WIDE, colorScheme: 'light' },
  { size: WIDE, colorScheme: 'dark' },
  { size: PHONE, colorScheme: 'dark' },
  { size: ZOOMED, colorScheme: 'light' },
] as const
type Look = (typeof ALL_LOOKS)[number]
/** Each size and each scheme. */
export const THREE_LOOKS = [ALL_LOOKS[0], ALL_LOOKS[2], ALL_LOOKS[3]]
/** The largest and the smallest size, and each scheme. */
export const TWO_LOOKS = [ALL_LOOKS[0], ALL_LOOKS[2]]

/** Buttons of the page that can't be pressed in some size, because something lies over them or they are out of the page. */
export async function outOfReach(page: Page): Promise<string[]> {
  const found: string[] = []
  for (const size of [PHONE, ZOOMED, MIDDLE, WIDE]) {
    await page.setViewportSize(size)
    const names = await page.evaluate(() => {
      const places = '.bar, .tools, .react-flow__controls, .selection-bar, .panel > header'
      const buttons = [...document.querySelectorAll(`:is(${places}) :is(button, a)`)]
      const isHidden = (button: Element): boolean => {
        button.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' })
        const { left, top, width, height } = button.getBoundingClientRect()
        const there = document.elementFromPoint(left + width / 2, top + height / 2)
        return there === null || !(button.contains(there) || there.contains(button))
      }
      const hidden = buttons.filter(isHidden).map((it) => it.getAttribute('aria-label') ?? it.textContent)
      return buttons.length > 12 ? hidden : [`only ${buttons.length} buttons`]
    })
    found.push(...names.map((name) => `${size.width}: ${name}`))
  }
  return found
}

/** Findings of {@link violations} in each look. Pixels outside of the page's width are a finding, too. */
export async function violationsIn(page: Page, looks: readonly Look[], within?: string): Promise<string[]> {
  const found: string[] = []
  for (const { size, colorScheme } of looks) {
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme })
    found.push(...(await violations(page, within)).map((it) => `${colorScheme}, ${size.width}: ${it}`))
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (tooWide > 0) found.push(`${size.width}: ${tooWide} pixels lie outside`)
  }
  await page.setViewportSize(WIDE)
  return found
}
