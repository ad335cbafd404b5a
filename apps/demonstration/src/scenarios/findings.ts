import type { Demonstration } from '../demonstration.ts'
import type { Rewriting } from '../steps/rewriting.ts'
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

export function findTyped(demonstration: Demonstration, { typedMeanwhile, stillThere, chars }: Rewriting): void {
  if (typedMeanwhile === 0) {
    demonstration.remark('Nobody typed this time. Play it again, and type in the block while the workflow thinks.')
    return
  }
  demonstration.find(
    stillThere === typedMeanwhile,
    `${stillThere} of ${typedMeanwhile} characters typed meanwhile stand beside the workflow’s. Writing back the ${chars} characters it had read would have dropped them.`,
  )
}
