/** How often a condition is looked at that tells nobody when it changes. */
const LOOK_MS = 5
const TIMEOUT_MS = 60_000

/** Resolves once `holds` returns true; rejects naming `what` if it does not in time. */
export async function until(what: string, holds: () => boolean, timeoutMs = TIMEOUT_MS): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** The promise's value; rejects naming `what` if it takes too long. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = TIMEOUT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs)
  })
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}
