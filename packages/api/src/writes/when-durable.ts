import { ApiError } from '../api-error.ts'

const WRITTEN =
  'the write was made, but is not durable yet: repeat it under the same Idempotency-Key to learn the outcome'
const SEEN = 'what there is to see is not durable yet, and a crash could take it back: ask again'

/** Settles as `written` does, or rejects with `not_durable_yet` after `waitMs`. */
export function whenDurable<T>(waitMs: number, written: Promise<T>): Promise<T> {
  return settled(waitMs, written, WRITTEN)
}

/** The same for a look at what others have written. */
export function whenSeen<T>(waitMs: number, seen: Promise<T>): Promise<T> {
  return settled(waitMs, seen, SEEN)
}

async function settled<T>(waitMs: number, durable: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ApiError('not_durable_yet', message, { retryAfterSeconds: 5 }))
    }, waitMs)
  })
  try {
    return await Promise.race([durable, late])
  } finally {
    clearTimeout(timer)
  }
}
