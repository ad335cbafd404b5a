import { LogError } from '@joinery/log'
import { z } from 'zod'
import type { LeaseEvent, LeaseState } from './lease-state.ts'

/** The first byte of every record and snapshot. A later format gets another one. */
const VERSION = 1

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

export function encodeLeaseEvent(value: LeaseEvent): Uint8Array {
  return encode(value)
}

/** Throws `corrupted` for bytes that are no event of this version. */
export function decodeLeaseEvent(bytes: Uint8Array): LeaseEvent {
  return decode(bytes, event)
}

export function encodeLeaseState(value: LeaseState): Uint8Array {
  return encode(value)
}

/** Throws `corrupted` for bytes that are no state of this version. */
export function decodeLeaseState(bytes: Uint8Array): LeaseState {
  return decode(bytes, state)
}

function encode(value: unknown): Uint8Array {
  const json = Buffer.from(JSON.stringify(value))
  return Buffer.concat([Buffer.of(VERSION), json])
}

function decode<S extends z.ZodType>(bytes: Uint8Array, schema: S): z.output<S> {
  const version = bytes[0]
  if (version !== VERSION) {
    const message = `a record of leases has format ${version}, and this version reads ${VERSION}: use a newer version`
    throw new LogError('corrupted', message)
  }
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes.subarray(1)).toString()))
  } catch (cause) {
    throw new LogError('corrupted', 'a record of leases can’t be read: verify the data directory', { cause })
  }
}
