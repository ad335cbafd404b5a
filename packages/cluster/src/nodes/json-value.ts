import type { z } from 'zod'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export function toBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}

/** Reads what another node wrote; undefined for what this version does not understand. */
export function fromBytes<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  try {
    return schema.safeParse(JSON.parse(decoder.decode(bytes))).data
  } catch {
    return undefined
  }
}
