import type { BringRefusal } from '@joinery/server'
import { ApiError } from '../api-error.ts'

/** Clocks that an answer names, as many as a person reads. */
const MISSING_MAX = 20

/** The error of a refused Yjs update. The codes of the rules stand in `details.code`, as a socket's client gets them. */
export function refusedUpdate(refusal: BringRefusal): ApiError {
  const { code, reason } = refusal
  if (code === 'missing_edits') {
    const missing = [...refusal.missing].slice(0, MISSING_MAX).map(([client, clock]) => ({ client, clock }))
    return new ApiError(code, reason, { details: { missing } })
  }
  if (code === 'bad_update' || code === 'too_large' || code === 'read_only') return new ApiError(code, reason)
  return new ApiError('update_refused', reason, { details: { code } })
}
