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

/**
 * Types letters one by one into the field that has the focus, each after the frame of the one before and a pause, so that no letter
 * waits for another one. Returns for each, ms on the page's own clock, from the key, as the browser dates it, until the frame
 * that shows its letter has been made.
 */
export async function typeOneByOne(page: Page, letters: string, pauseMs: () => number): Promise<number[]> {
  const paintMs: number[] = []
  for (const letter of letters) {
    const painted = page.evaluateHandle(() => {
      const made = Promise.withResolvers<number>()
      const started = Promise.withResolvers<number>()
      addEventListener('keydown', ({ timeStamp }) => started.resolve(timeStamp), { capture: true, once: true })
      addEventListener(
        'input',
        () =>
          requestAnimationFrame(() => {
            // A message that is posted inside a frame is delivered once the frame is laid out and handed on.
            const { port1, port2 } = new MessageChannel()
            port1.onmessage = async () => {
              const nowMs = performance.now()
              port1.close()
              made.resolve(nowMs - (await started.promise))
            }
            port2.postMessage(undefined)
          }),
        { once: true },
      )
      // In an object: a promise itself would be waited for before the key is pressed.
      return { made: made.promise }
    })
    const handle = await painted
    await page.keyboard.press(letter === ' ' ? 'Space' : letter)
    paintMs.push(await handle.evaluate(({ made }) => made))
    await handle.dispose()
    await page.waitForTimeout(pauseMs())
  }
  return paintMs
}

/** A ratio, with the interval in which 95 % of its values lie when the turns it was measured in are drawn anew. */
export function ratioOfTurns<T>(turns: readonly T[], ratioOf: (turns: readonly T[]) => number): string {
  const drawn = Array.from({ length: 1_000 }, () =>
    ratioOf(turns.map(() => turns[Math.floor(Math.random() * turns.length)] as T)),
  )
  const [low, high] = [0.025, 0.975].map((share) => percentile(drawn, share).toFixed(2))
  return `${ratioOf(turns).toFixed(2)} (95 %: ${low} to ${high})`
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
