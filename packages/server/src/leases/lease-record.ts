import { type Codec, jsonCodec } from '@joinery/log'
import { z } from 'zod'
import { type LeaseEvent, LeaseFold, type LeaseState } from './lease-state.ts'

const lease = z.object({
  name: z.string(),
  holder: z.string(),
  actor: z.string(),
  fence: z.int(),
  nonce: z.string(),
  ttlMs: z.int(),
  acquiredAt: z.number(),
  key: z.string().optional(),
})
const id = z.object({ name: z.string(), fence: z.int() })
const event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('acquired'), lease }),
  z.object({ type: z.literal('renewed'), ttlMs: z.int(), ...id.shape }),
  z.object({ type: z.literal('ended'), leases: z.array(id), why: z.enum(['released', 'expired', 'deleted']) }),
  z.object({ type: z.literal('copied'), copy: z.string(), fence: z.int() }),
])
const state = z.object({ copy: z.string(), fence: z.int(), leases: z.array(lease) })

const WHAT = 'a record of leases'

export const leaseEvents: Codec<LeaseEvent> = jsonCodec<LeaseEvent>(event, WHAT)
const stored = jsonCodec<LeaseState>(state, WHAT)

/** The leases of one workspace, as a snapshot has them. */
export const leaseStates: Codec<LeaseFold> = {
  encode: (fold) => stored.encode(fold.state),
  decode: (bytes) => new LeaseFold(stored.decode(bytes)),
}
