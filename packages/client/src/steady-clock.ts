let lastDateMs = Date.now()
let lastSteadyMs = performance.now()
let elapsedMs = 0

/**
 * Milliseconds of a clock that never goes back, for durations. `Date` alone stands still for an hour when a clock is set back an
 * hour, and `performance` alone while a computer sleeps. So each step is the greater of both.
 */
export function steadyNow(): number {
  const dateMs = Date.now()
  const steadyMs = performance.now()
  elapsedMs += Math.max(0, dateMs - lastDateMs, steadyMs - lastSteadyMs)
  lastDateMs = dateMs
  lastSteadyMs = steadyMs
  return elapsedMs
}
