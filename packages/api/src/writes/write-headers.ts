import type { Durability } from '@joinery/server'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import type { WriteOutcome } from './writes.ts'

/** Headers of every write. */
export const writeHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, '1 to 128 visible ASCII characters')
    .optional()
    .meta({ description: 'a repeat with the same key answers as the first did' }),
  'x-joinery-durability': z
    .enum(['async', 'sync'])
    .optional()
    .meta({ description: 'sync: answered only when this write is fsynced' }),
})
/** True when the write has to be fsynced before it is answered. Throws `durability_unavailable` where nothing is kept. */
export function wantsSync(
  { 'x-joinery-durability': asked }: { readonly 'x-joinery-durability'?: 'async' | 'sync' | undefined },
  promised: Durability,
): boolean {
  if (asked === undefined) return false
  if (promised !== 'memory') return asked === 'sync'
  const message = `this server keeps nothing beyond its process: start it with --durability ${asked}`
  throw new ApiError('durability_unavailable', message, { details: { durability: promised } })
}

export function lsnHeader({ lsn }: Pick<WriteOutcome, 'lsn'>): { readonly 'x-joinery-lsn': string } {
  return { 'x-joinery-lsn': String(lsn) }
}
