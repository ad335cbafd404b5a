import { RESERVED_KEY } from '@joinery/protocol'
import { type Durability, LEASE_TOKEN_LENGTH_MAX } from '@joinery/server'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import type { WriteOutcome } from './writes.ts'

/** The header of a write that is made only while a lease stands. */
export const leaseHeaders = z.object({
  'x-joinery-lease': z
    .string()
    .min(1)
    .max(LEASE_TOKEN_LENGTH_MAX)
    .optional()
    .meta({ description: 'token of a lease: the write is made only if the lease stands in that very turn' }),
})
/** The idempotency key of a request. */
export const keyHeader = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'is not 1 to 128 visible ASCII characters')
  .refine((key) => !key.startsWith(RESERVED_KEY), `begins with "${RESERVED_KEY}", as only keys of the server do`)
  .optional()
  .meta({ description: 'a repeated request with the same key gets the first answer' })
/** Headers of every write to the document. */
export const writeHeaders = leaseHeaders.extend({
  'idempotency-key': keyHeader,
  'x-joinery-durability': z
    .enum(['async', 'sync'])
    .optional()
    .meta({ description: 'sync: the answer comes only when this write is fsynced' }),
})
/** True when the write must be fsynced before the answer. Throws `durability_unavailable` on a server in memory. */
export function wantsSync(
  { 'x-joinery-durability': asked }: { readonly 'x-joinery-durability'?: 'async' | 'sync' | undefined },
  promised: Durability,
): boolean {
  if (asked === undefined) return false
  if (promised !== 'memory') return asked === 'sync'
  const message = `this server keeps everything in memory only: start it with --durability ${asked}`
  throw new ApiError('durability_unavailable', message, { details: { durability: promised } })
}

export function lsnHeader({ lsn }: Pick<WriteOutcome, 'lsn'>): { readonly 'x-joinery-lsn': string } {
  return { 'x-joinery-lsn': String(lsn) }
}
