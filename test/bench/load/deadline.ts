import { JOB_TIMEOUT_MS } from './job.ts'

/** The end of a job that can no longer succeed: its time is up, or a socket was lost. */
export interface Deadline {
  /** The promise's value, or the first failure if that comes before. */
  race<T>(promise: Promise<T>): Promise<T>
  /** Fails the job. */
  readonly fail: (error: Error) => void
  /** To be called when the job is done, else its timer keeps the process alive. */
  clear(): void
}

export function deadline(timeoutMs = JOB_TIMEOUT_MS): Deadline {
  const failure = Promise.withResolvers<never>()
  // Handled here as well, since nobody may be racing at the moment it fails.
  failure.promise.catch(() => undefined)
  const timer = setTimeout(() => failure.reject(new Error(`not done after ${timeoutMs / 1000} s`)), timeoutMs)
  return {
    race: (promise) => Promise.race([promise, failure.promise]),
    fail: failure.reject,
    clear: () => clearTimeout(timer),
  }
}
