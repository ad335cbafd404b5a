import { ClientError } from './client-error.ts'

/**
 * How long anything waits for IndexedDB, ms: WebKit's `open` sometimes does not answer, another tab can block one, and nothing
 * of the SDK may hang for that. Loading a copy of 50 MB takes one to two seconds. A guess.
 */
const PATIENCE_MS = 3_000

/** Settles as `work` does, or rejects with `local_copy_failed` when IndexedDB takes longer than 3 s. */
export async function withinPatience<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ClientError('local_copy_failed', `IndexedDB did not answer within ${PATIENCE_MS / 1_000} s`))
    }, PATIENCE_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
