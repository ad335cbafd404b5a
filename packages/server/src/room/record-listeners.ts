import type { LogRecord } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import type * as Y from 'yjs'
import type { WritePlace } from './room-edit.ts'

/** The document that a record was written to, for reading only, and the log that keeps the record. */
export interface RecordPlace {
  /** Has the record's edits, and may have those of later records of the same tick. */
  readonly doc: Y.Doc
  /** Generation of the workspace. */
  readonly generation: string | undefined
}

/**
 * Hears of a record in the turn of the event loop in which it is appended. Its appends to other logs before it returns are
 * one write with the record. `durable` is the record's `Receipt.durable`. `place` is good until the listener returns.
 */
export type RecordListener = (
  workspace: WorkspaceId,
  record: LogRecord,
  durable: Promise<void>,
  place: RecordPlace,
) => void

/** The listeners to the records of all rooms of a server. */
export class RecordListeners {
  readonly #all = new Set<RecordListener>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Calls `listener` with every record from now on. Returns unsubscribe. */
  add(listener: RecordListener): () => void {
    // A function of its own for each call: a program that adds a listener twice hears twice, until each is taken away.
    const own: RecordListener = (...args) => listener(...args)
    this.#all.add(own)
    return () => void this.#all.delete(own)
  }

  /** Tells every listener. The record is in the log by now: an error of a listener is logged, and changes nothing. */
  tell(workspace: WorkspaceId, record: LogRecord, durable: Promise<void>, { document, log }: WritePlace): void {
    if (this.#all.size === 0) return
    const place: RecordPlace = {
      get doc() {
        return document.doc
      },
      generation: log.generation,
    }
    for (const listener of this.#all) {
      try {
        listener(workspace, record, durable, place)
      } catch (err) {
        this.#logger.error({ err, workspace, lsn: record.lsn }, 'a listener failed on a record, which stands')
      }
    }
  }
}
