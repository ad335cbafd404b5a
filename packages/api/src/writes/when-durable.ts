import { ApiError } from '../api-error.ts'

/** Settles as `written` does, or rejects with `not_durable_yet` after `waitMs`. */
export async function whenDurable<T>(waitMs: number, written: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message =
        'the write was made, but is not durable yet: repeat it under the same Idempotency-Key to learn the outcome'
      reject(new ApiError('not_durable_yet', message, { retryAfterSeconds: 5 }))
    }, waitMs)
  })
  try {
    return await Promise.race([written, late])
  } finally {
    clearTimeout(timer)
  }
}
