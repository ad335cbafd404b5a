import type { Rewriting } from '../steps/rewriting.ts'
import type { HistoryCheck, Testimony } from '../steps/witness.ts'
import type { Stage } from './scenario.ts'

export function findNoStepDown(stage: Stage, { shown, stepsDown }: Testimony): void {
  stage.find(stepsDown === 0, `Everybody was shown, in this order: ${shown.join(', ')}. Never a step back.`)
}

export function findIntact(stage: Stage, { records, isGapFree, replaysToNow }: HistoryCheck): void {
  stage.find(
    isGapFree && replaysToNow,
    `The history has ${records} records, numbered ${isGapFree ? 'without a gap' : 'WITH A GAP'}; played from the start, it gives ${replaysToNow ? 'exactly' : 'NOT'} what everybody sees.`,
  )
}

export function findTyped(stage: Stage, { typedMeanwhile, stillThere, chars }: Rewriting): void {
  if (typedMeanwhile === 0) {
    stage.remark('Nobody typed this time. Play it again, and type in the block while the workflow thinks.')
    return
  }
  stage.find(
    stillThere === typedMeanwhile,
    `${stillThere} of ${typedMeanwhile} characters typed meanwhile stand beside the workflow’s. Writing back the ${chars} characters it had read would have dropped them.`,
  )
}
