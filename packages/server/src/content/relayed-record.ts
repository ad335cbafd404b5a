import type { LogRecord } from '@joinery/log'

/** Suffix of a record's `connection` when its actor may have sent edits of others. No connection's id contains it. */
const MARK = '+others'

/** The `connection` of a record that may hold edits of others, made from the connection's id. */
export function relaying(connection: string): string {
  return connection + MARK
}

/**
 * Whether a record may hold edits of others. Such a record never says who owns the client ids in it, not after a
 * restart either.
 */
export function isRelayed({ connection }: Pick<LogRecord, 'connection'>): boolean {
  return connection.endsWith(MARK)
}
