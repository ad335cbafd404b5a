import type { LogRecord } from '@joinery/log'

/** Ends the `connection` of records whose actor may have brought what others wrote. No connection's id holds it. */
const MARK = '+others'

/** What the record of an answer that may hold others' edits has for its connection. */
export function relaying(connection: string): string {
  return connection + MARK
}

/** Such a record says nothing about who owns the client ids in it, after the next start no more than when it came. */
export function isRelayed({ connection }: Pick<LogRecord, 'connection'>): boolean {
  return connection.endsWith(MARK)
}
