import { indexingRules } from '@joinery/blocks'
import type { Page } from 'playwright-core'

/** One status that a page showed of an index. */
interface Shown {
  readonly run: number
  readonly status: string
}
type Recording = Record<string, Shown[]>

/** From now on the page itself notes every status it shows, however shortly. */
export async function recordStatuses(page: Page): Promise<void> {
  await page.evaluate(() => {
    const recording: Record<string, { run: number; status: string }[]> = {}
    Object.assign(globalThis, { shownStatuses: recording })
    const look = (): void => {
      for (const chip of document.querySelectorAll<HTMLElement>('[data-block] [data-index]')) {
        const block = chip.closest<HTMLElement>('[data-block]')?.dataset.block
        const { index, status = '', run } = chip.dataset
        const key = `${block}/${index}`
        const last = recording[key]?.at(-1)
        if (last?.status === status && last.run === Number(run)) continue
        recording[key] = [...(recording[key] ?? []), { run: Number(run), status }]
      }
    }
    const whole = { subtree: true, childList: true, attributes: true, characterData: true }
    new MutationObserver(look).observe(document.body, whole)
    look()
  })
}

export function recordedStatuses(page: Page): Promise<Recording> {
  return page.evaluate(() => (globalThis as unknown as { shownStatuses: Recording }).shownStatuses)
}

/** The steps that went down by (run, phase, rank): none, says the law. */
export function stepsDown(recording: Recording): string[] {
  const { phases, ranks } = indexingRules.table
  const placeOf = ({ run, status }: Shown): number[] => {
    const phase = phases.findIndex((statuses) => statuses.some((it) => it === status))
    return [run, phase, (ranks as readonly string[]).indexOf(status)]
  }
  const isDown = (before: number[], now: number[]): boolean => {
    const at = now.findIndex((part, i) => part !== before[i])
    return at !== -1 && (now[at] ?? 0) < (before[at] ?? 0)
  }
  return Object.entries(recording).flatMap(([key, shown]) =>
    shown.flatMap((now, i) => {
      const before = shown[i - 1]
      if (before === undefined || !isDown(placeOf(before), placeOf(now))) return []
      return [`${key}: run ${before.run} ${before.status} → run ${now.run} ${now.status}`]
    }),
  )
}
