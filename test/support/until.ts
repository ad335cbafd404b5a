import { WAIT_MS } from './patience.ts'

/** How often {@link until} looks at a condition that tells nobody when it changes. */
const LOOK_MS = 5

/** Resolves once `holds` returns true. Rejects with a message that names `what` after {@link WAIT_MS}. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${WAIT_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** The promise's value. Rejects with a message that names `what`, as it is by then, after {@link WAIT_MS}. */
export async function within<T>(what: string | (() => string), promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not within ${WAIT_MS} ms: ${typeof what === 'string' ? what : what()}`)),
      WAIT_MS,
    )
  })
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}
