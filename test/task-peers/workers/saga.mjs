/** The saga as a peer's worker runs it: `state` has the effects that happened, and `keep` stores it. */
const OUTSIDE = process.env.OUTSIDE_URL
const EFFECTS = JSON.parse(process.env.EFFECTS)
const UNDOS = JSON.parse(process.env.UNDOS)

export class Refused extends Error {}

export async function call(job, effect) {
  const response = await fetch(OUTSIDE, { method: 'POST', body: JSON.stringify({ job, effect }) })
  if (response.status === 422) throw new Refused(effect)
  if (!response.ok) throw new Error(`the outside answered ${response.status}`)
}

/** Runs what is left of a job. Resolves with true when it is done, and with false when it was taken back. */
export async function runSaga(job, state, keep) {
  if (!state.isRefused) {
    try {
      for (const effect of EFFECTS.filter((each) => !state.done.includes(each))) {
        await call(job, effect)
        state.done.push(effect)
        await keep(state)
      }
      return true
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      state.isRefused = true
      await keep(state)
    }
  }
  for (const undo of UNDOS.filter((each) => !state.done.includes(each))) {
    await call(job, undo)
    state.done.push(undo)
    await keep(state)
  }
  return false
}

export { EFFECTS, UNDOS }
