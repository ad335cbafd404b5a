import type { Page } from 'playwright-core'

/**
 * Types `letters` into the text field called `label`, one every `delayMs`, and measures
 * each on the page's own clock: ms from the key until the frame that shows its letter has been made.
 */
export async function measureTyping(page: Page, label: string, letters: string, delayMs: number): Promise<number[]> {
  const field = page.getByRole('textbox', { name: label })
  await field.focus()
  await field.press('End')
  await page.evaluate(() => {
    const paintMs: number[] = []
    Object.assign(globalThis, { paintMs })
    let startMs = 0
    addEventListener('keydown', () => (startMs = performance.now()), { capture: true })
    addEventListener('input', () => {
      const start = startMs
      requestAnimationFrame(() => {
        // A message that is posted inside a frame is delivered once the frame is laid out and handed on.
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => {
          paintMs.push(performance.now() - start)
          port1.close()
        }
        port2.postMessage(undefined)
      })
    })
  })
  await page.keyboard.type(letters, { delay: delayMs })
  const wanted = letters.length
  await page.waitForFunction(
    (wanted) => (globalThis as unknown as { paintMs: number[] }).paintMs.length >= wanted,
    wanted,
  )
  return page.evaluate(() => (globalThis as unknown as { paintMs: number[] }).paintMs)
}

/** The value that `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Reads how much CPU time a page's main thread has used, seconds: what else the machine does is not in it. */
export async function cpuClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const used = metrics.find(({ name }) => name === 'TaskDuration')
    if (used === undefined) throw new Error('the browser does not tell how long tasks took')
    return used.value
  }
}
