import { LogError } from '@joinery/log'
import type { z } from 'zod'

/** The first byte of every record and snapshot. A later format, such as a sealed one, gets another one. */
const VERSION = 1

/** How the events and the state of a journal are written. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  /** Throws `corrupted` (`LogError`) for bytes that are no such value. */
  decode(bytes: Uint8Array): T
}

/** @param what names the values in errors, such as `a record of tasks` */
export function codecOf<S extends z.ZodType>(schema: S, what: string): Codec<z.output<S>> {
  return {
    encode: (value) => Buffer.concat([Buffer.of(VERSION), Buffer.from(JSON.stringify(value))]),
    decode(bytes) {
      const version = bytes[0]
      if (version !== VERSION) {
        const message = `${what} has format ${version}, and this version reads ${VERSION}: use a newer version`
        throw new LogError('corrupted', message)
      }
      try {
        return schema.parse(JSON.parse(Buffer.from(bytes.subarray(1)).toString()))
      } catch (cause) {
        throw new LogError('corrupted', `${what} can’t be read: verify the data directory`, { cause })
      }
    },
  }
}
