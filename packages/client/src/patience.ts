import { ClientError } from './client-error.ts'

/**
 * How long anything waits for IndexedDB, ms: WebKit's `open` sometimes does not answer, another tab can block one, and nothing
 * of the SDK may hang for that. Loading a copy of 50 MB takes one to two seconds. A guess.
 */
const PATIENCE_MS = 3_000
/** The same for a write, ms: nothing waits for it, and a slow device may need seconds for a large paste. */
export const WRITE_PATIENCE_MS = 10_000

/** Settles as `work` does, or rejects with `local_copy_failed` when IndexedDB takes longer. */
export async function withinPatience<T>(work: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ClientError('local_copy_failed', `IndexedDB did not answer within ${ms / 1_000} s`))
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
