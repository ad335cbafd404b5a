import type { Json } from '@joinery/protocol'
import type { Failure } from './task-event.ts'

/**
 * The attempts to do one thing.
 *
 * - `waiting`: the next attempt may be made at `retryAt`.
 * - `failed`: no attempt is made any more. `unsure` too, and it may have happened.
 */
export interface Attempts {
  readonly state: 'idle' | 'running' | 'waiting' | 'done' | 'failed' | 'unsure'
  /** Number of the last attempt; 0 before the first. */
  readonly attempt: number
  /** Attempts that count against the bound. A throttled one counts half. */
  readonly spent: number
  /** Time without a beat after which the lease ends; the server's own by default. */
  readonly leaseMs?: number | undefined
  readonly firstAt?: number | undefined
  readonly retryAt?: number | undefined
  /** Names the lease of the last attempt. */
  readonly nonce?: string | undefined
  readonly worker?: string | undefined
  /** Digest of the answer with which the last attempt ended; undefined while it may still answer. */
  readonly answer?: string | undefined
  readonly error?: Failure | undefined
  readonly details?: Json | undefined
  /** Whether taking back has left something that others have changed. */
  readonly hasKept?: boolean | undefined
  /** Whether there were news while the attempt ran, which it may not have seen. */
  readonly hasNews?: boolean | undefined
}

export const NO_ATTEMPTS: Attempts = { state: 'idle', attempt: 0, spent: 0 }

/** A step that is run once, or one item of an `each`. */
export interface Unit {
  readonly run: Attempts
  readonly undo: Attempts
  readonly result?: Json | undefined
  /** Whether an attempt may have happened of which nobody knows the result. */
  readonly isUnsure: boolean
  /** Whether a person took it for done. */
  readonly isSkipped: boolean
}

export const NEW_UNIT: Unit = { run: NO_ATTEMPTS, undo: NO_ATTEMPTS, isUnsure: false, isSkipped: false }
