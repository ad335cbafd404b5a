import { TaskError } from '@joinery/tasks'
import { isSagaOf } from './adapter-reports.ts'

/**
 * Throws `unknown_saga` for a saga that the server starts itself, on news of a service or on a person's run: its input says of which
 * resource at the service it speaks, so that a person who chose the input could show the payment of somebody else. A batch takes runs
 * alone, as a person may start them.
 */
export function assertStartable(saga: string, ownSagas: readonly string[]): void {
  const own = ownSagas.find((name) => isSagaOf(saga, name))
  if (own === undefined || saga === `${own}.batch`) return
  const message = `the saga ${saga} is started by the server alone: start a run of a machine, or upload a file, and it follows`
  throw new TaskError('unknown_saga', message)
}
