import { z } from 'zod'
import { ApiError } from './api-error.ts'
import type { Reply } from './route.ts'
import type { Durability } from './services.ts'
import type { WriteOutcome } from './writes.ts'

const etag = z.string().regex(/^"\d{1,15}"$/, 'one version in quotes, as the ETag has it')

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
/** Headers of a write to one block. */
export const blockWriteHeaders = writeHeaders.extend({
  'if-match': etag.optional().meta({ description: 'the version the block has to have' }),
  'if-none-match': z.literal('*').optional().meta({ description: 'only if the block is not there' }),
})
export const blockWriteQuery = z.strictObject({
  expected_version: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 48 - 1)
    .optional()
    .meta({ description: 'as If-Match' }),
})

/** The preconditions of a request as an operation carries them. Throws `invalid` when they contradict each other. */
export function preconditionOf(
  headers: Pick<z.output<typeof blockWriteHeaders>, 'if-match' | 'if-none-match'>,
  query: z.output<typeof blockWriteQuery>,
): { expectedVersion?: number; onlyIfAbsent?: true } {
  const fromHeader = headers['if-match'] === undefined ? undefined : Number(headers['if-match'].slice(1, -1))
  const { expected_version: fromQuery } = query
  if (fromHeader !== undefined && fromQuery !== undefined && fromHeader !== fromQuery) {
    throw new ApiError('invalid', 'If-Match and expected_version name different versions')
  }
  const expectedVersion = fromHeader ?? fromQuery
  const isNew = headers['if-none-match'] !== undefined
  if (isNew && expectedVersion !== undefined) {
    throw new ApiError('invalid', 'a block can not be absent and at a version: leave If-None-Match or the version out')
  }
  return { ...(expectedVersion !== undefined && { expectedVersion }), ...(isNew && { onlyIfAbsent: true }) }
}

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

export function lsnHeader({ lsn }: Pick<WriteOutcome, 'lsn'>): NonNullable<Reply['headers']> {
  return { 'x-joinery-lsn': String(lsn) }
}
