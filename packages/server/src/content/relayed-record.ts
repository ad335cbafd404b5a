import type { LogRecord } from '@joinery/log'

/** End of a record's `connection` when its actor may have sent edits of others. No connection's id contains it. */
const MARK = '+others'
/** Stands before the client id that the connection had announced, in front of {@link MARK}. No connection's id contains it. */
const OWN = '@'

/** The `connection` of a record that may hold edits of others, made from the connection's id and the client id it announced. */
export function relaying(connection: string, ownId?: number): string {
  return `${connection}${ownId === undefined ? '' : `${OWN}${ownId}`}${MARK}`
}

/** The origin of a record, as its `connection` tells it. */
export interface RecordOrigin {
  /** Id of the connection. */
  readonly connection: string
  /**
   * True when the record may hold edits of others than its actor. Such a record never says who owns the client ids in it,
   * except `ownId`.
   */
  readonly mayBeOthers: boolean
  /** The client id that the connection had announced, of a record that may hold edits of others. */
  readonly ownId: number | undefined
}

/** Reads the `connection` of a record. */
export function originOf({ connection: stored }: Pick<LogRecord, 'connection'>): RecordOrigin {
  if (!stored.endsWith(MARK)) return { connection: stored, mayBeOthers: false, ownId: undefined }
  const [connection = '', ownId] = stored.slice(0, -MARK.length).split(OWN)
  return { connection, mayBeOthers: true, ownId: ownId === undefined ? undefined : Number(ownId) }
}
