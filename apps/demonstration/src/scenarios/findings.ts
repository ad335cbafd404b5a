import type { Demonstration } from '../demonstration.ts'
import type { HistoryCheck, Testimony } from '../steps/witness.ts'

export function findNoStepDown(demonstration: Demonstration, { shown, stepsDown }: Testimony): void {
  demonstration.find(stepsDown === 0, `Everybody was shown, in this order: ${shown.join(', ')}. Never a step back.`)
}

export function findIntact(demonstration: Demonstration, { records, isGapFree, replaysToNow }: HistoryCheck): void {
  demonstration.find(
    isGapFree && replaysToNow,
    `The history has ${records} records, numbered ${isGapFree ? 'without a gap' : 'WITH A GAP'}; played from the start, it gives ${replaysToNow ? 'exactly' : 'NOT'} what everybody sees.`,
  )
}
