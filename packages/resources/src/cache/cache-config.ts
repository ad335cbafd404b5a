import { z } from 'zod'
import type { Freshness } from './read-cache.ts'

const DAY_MS = 24 * 3_600_000
const ms = z.int().min(0).max(DAY_MS)

/** The field `cache` of an adapter: without it, the server itself asks the service nothing. */
export const cacheSchema: z.ZodType<Freshness> = z.strictObject({
  ttlMs: z.int().min(1).max(DAY_MS),
  staleMs: ms.default(0),
  staleIfErrorMs: ms.default(0),
  negativeMs: ms.default(0),
})
