import { LogError } from './log-error.ts'

/** The first byte of every record and snapshot. A later format, such as a sealed one, gets another one. */
const VERSION = 1

/** How the events and the state of a journal are written. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  /** Throws `corrupted` (`LogError`) for bytes that are no such value. */
  decode(bytes: Uint8Array): T
}

/** Reads any JSON value, and throws for one of another shape. A schema of zod is one. */
interface Schema<T> {
  parse(value: unknown): T
}

/**
 * Writes values as JSON behind a byte of version.
 *
 * @param what names the values in errors, such as `a record of tasks`
 */
export function jsonCodec<T>(schema: Schema<T>, what: string): Codec<T> {
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
