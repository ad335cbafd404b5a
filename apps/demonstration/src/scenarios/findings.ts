import type { Rewriting } from '../steps/rewriting.ts'
import type { HistoryCheck, Testimony } from '../steps/witness.ts'
import type { Stage } from './scenario.ts'

export function findNoStepDown(stage: Stage, { shown, stepsDown }: Testimony): void {
  stage.find(stepsDown === 0, `Everybody was shown, in this order: ${shown.join(', ')}. Never a step back.`)
}

export function findIntact(stage: Stage, { records, isGapFree, replaysToNow }: HistoryCheck): void {
  stage.find(
    isGapFree && replaysToNow,
    `The history has ${records} records, numbered ${isGapFree ? 'without a gap' : 'WITH A GAP'}; replayed from the start, it gives ${replaysToNow ? 'exactly' : 'NOT'} the state that everybody sees.`,
  )
}

export function findTyped(stage: Stage, { typedMeanwhile, stillThere, chars }: Rewriting): void {
  if (typedMeanwhile === 0) {
    stage.remark('Nobody typed this time. Play it again, and type in the block while the workflow is working on it.')
    return
  }
  stage.find(
    stillThere === typedMeanwhile,
    `${stillThere} of ${typedMeanwhile} characters typed meanwhile are still there beside the workflow’s text. A job that writes back all ${chars} characters it had read would have dropped them.`,
  )
}
