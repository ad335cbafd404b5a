import { LogError } from './log-error.ts'

/** The first byte of every record and snapshot. A later format, such as a sealed one, gets another one. */
const VERSION = 1

/** How the events and the state of a journal are written. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  /** Throws `corrupted` (`LogError`) for bytes that are no such value. */
  decode(bytes: Uint8Array): T
  /** Encodes the value as it is at the call, in turns between which other work goes on and may change the value. */
  encodeInTurns?(value: T): Promise<Uint8Array>
  /** Rejects where {@link decode} would throw. Other work goes on between its turns. */
  verifyInTurns?(bytes: Uint8Array): Promise<void>
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
    encode: (value) => versioned([JSON.stringify(value)]),
    decode: (bytes) => readVersioned(bytes, what, (text) => schema.parse(JSON.parse(text))),
  }
}

/** The pieces of a text behind a byte of version. */
export function versioned(pieces: readonly string[]): Uint8Array {
  return Buffer.concat([Buffer.of(VERSION), ...pieces.map((piece) => Buffer.from(piece))])
}

/**
 * Reads what {@link versioned} wrote. Throws `corrupted` (`LogError`) for another version, and where `read` throws.
 *
 * @param what names the values in errors
 */
export function readVersioned<T>(bytes: Uint8Array, what: string, read: (text: string) => T): T {
  const version = bytes[0]
  if (version !== VERSION) {
    const message = `${what} has format ${version}, and this version reads ${VERSION}: use a newer version`
    throw new LogError('corrupted', message)
  }
  try {
    return read(Buffer.from(bytes.subarray(1)).toString())
  } catch (cause) {
    throw unreadable(what, cause)
  }
}

/** The error for bytes that are no such value. */
export function unreadable(what: string, cause: unknown): LogError {
  return new LogError('corrupted', `${what} can’t be read: verify the data directory`, { cause })
}
