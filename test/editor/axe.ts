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
/** A phone's own elements are checked in one scheme: in the other they have the colours of a wide page. */
export const ALL_LOOKS = [
  { size: WIDE, colorScheme: 'light' },
  { size: WIDE, colorScheme: 'dark' },
  { size: PHONE, colorScheme: 'dark' },
] as const
type Look = (typeof ALL_LOOKS)[number]
/** Each size and each scheme once. */
export const TWO_LOOKS = [ALL_LOOKS[0], ALL_LOOKS[2]]

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
