import type { Page } from 'playwright-core'

/** Longest time that a visitor of the page at `/` watches before they have seen the point, ms of the page's own clock. */
export const PATIENCE_MS = 15_000

/** Stops the page's own clock before the page loads. `page.clock.runFor` moves it on, so that nobody waits for it. */
export async function stopClock(page: Page): Promise<void> {
  await page.clock.install({ time: 0 })
  await page.clock.pauseAt(1_000)
}
