import { JetStreamApiError } from '@nats-io/jetstream'
import { NoRespondersError, RequestError } from '@nats-io/transport-node'
import { EngineError } from '../engine-error.ts'

/** `err_code` of JetStream for another last sequence than the expected one. The second stands for one that is not known. */
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164])
/** `err_code` for a store, a stream or an account without room. */
const NO_ROOM = new Set([10_002, 10_023, 10_028, 10_047, 10_077, 10_122])

export function isRefusal(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code)
}

/** The error of the port that stands for an error of the NATS client. `what` is the call, for people. */
export function engineErrorOf(cause: unknown, what: string): EngineError {
  if (cause instanceof EngineError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof JetStreamApiError && NO_ROOM.has(cause.code)) {
    const advice = 'give the disks of its servers, or max_file_store of their jetstream blocks, more room'
    return new EngineError('full', `NATS has no room left for ${what} (${reason}): ${advice}`, { cause })
  }
  if (cause instanceof NoRespondersError || (cause instanceof RequestError && cause.isNoResponders())) {
    return new EngineError('no_responders', `nobody answers ${what}`, { cause })
  }
  const message = `NATS did not answer ${what}: ${reason}. Whether it did what was asked is not known`
  return new EngineError('unavailable', message, { cause })
}

/** A write or a read of JetStream that nobody answers has not been answered: the servers may be electing a leader. */
export function writeErrorOf(error: unknown, what: string): EngineError {
  const found = engineErrorOf(error, what)
  if (found.code !== 'no_responders') return found
  return new EngineError('unavailable', `NATS does not answer ${what}: it has no leader now`, { cause: error })
}
