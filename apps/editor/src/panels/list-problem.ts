/** A reason, which begins with a small letter as errors do, as a sentence of its own. */
export function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`
}

/** Why a list is not the newest one, or is not there at all. */
export function listProblem(reason: string, hasList: boolean): string {
  return hasList ? `This list may be old: ${reason}.` : sentence(reason)
}
