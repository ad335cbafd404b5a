import { asSentence } from '../as-sentence.ts'

/** Why a list is not the newest one, or is not there at all. */
export function listProblem(reason: string, hasList: boolean): string {
  return asSentence(hasList ? `this list may be old: ${reason}` : reason)
}
