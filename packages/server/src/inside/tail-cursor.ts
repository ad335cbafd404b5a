import type { LogRecord, Lsn } from '@joinery/log'

/**
 * Records that may wait for one slow reader: some milliseconds of a busy workspace. More than these are read from the
 * log.
 */
const QUEUE_RECORDS_MAX = 1_000
/**
 * Bytes of updates that may wait for one slow reader: one paste of the largest size. A hundred tails share the same
 * bytes.
 */
const QUEUE_BYTES_MAX = 1024 * 1024

/** The position of one tail, and the records that wait in memory for its next step. */
export class TailCursor {
  #lsn: Lsn
  #queue: LogRecord[] = []
  #queuedBytes = 0
  /** LSN of the last record in the queue, or the cursor's LSN when the queue is empty. */
  #queuedThrough: Lsn
  #isOver = false
  #error: Error | undefined
  #news: PromiseWithResolvers<undefined> | undefined
  #over: PromiseWithResolvers<undefined> | undefined

  constructor(after: Lsn) {
    this.#lsn = after
    this.#queuedThrough = after
  }

  /** LSN of the last record that the tail has given. */
  get lsn(): Lsn {
    return this.#lsn
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The error that ended the tail; undefined for a tail that its caller has ended. */
  get error(): Error | undefined {
    return this.#error
  }

  /** The next record that waits in memory; undefined when there is none. */
  take(): LogRecord | undefined {
    const record = this.#queue.shift()
    if (record === undefined) return undefined
    this.#queuedBytes -= record.update.length
    this.#lsn = record.lsn
    return record
  }

  /** Notes a record that was read from the log. */
  passed(lsn: Lsn): void {
    this.#lsn = lsn
    this.#queuedThrough = lsn
  }

  /**
   * Puts records that have just become durable into the queue. A cursor that is further behind ignores them. A cursor
   * whose queue would become too long empties it. Both read the records from the log later.
   */
  offer(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.lsn !== this.#queuedThrough + 1) continue
      this.#queue.push(record)
      this.#queuedBytes += record.update.length
      this.#queuedThrough = record.lsn
    }
    if (this.#queue.length > QUEUE_RECORDS_MAX || this.#queuedBytes > QUEUE_BYTES_MAX) this.#fallBehind()
    this.wake()
  }

  /** Wakes the reader that waits for news, after something has changed. */
  wake(): void {
    this.#news?.resolve(undefined)
  }

  end(error?: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.#news?.resolve(undefined)
    this.#over?.resolve(undefined)
  }

  /** Resolves at the next {@link offer}, {@link wake} or {@link end}. */
  async news(): Promise<void> {
    this.#news = Promise.withResolvers()
    await this.#news.promise
    this.#news = undefined
  }

  /** Resolves with the result of `work`, or with undefined when the tail is over before that. */
  async unlessOver<T>(work: Promise<T>): Promise<T | undefined> {
    // Each step has a promise of its own: a long-lived promise in a race would keep all steps in memory.
    this.#over = Promise.withResolvers()
    try {
      return await Promise.race([work, this.#over.promise])
    } finally {
      this.#over = undefined
    }
  }

  #fallBehind(): void {
    this.#queue = []
    this.#queuedBytes = 0
    this.#queuedThrough = this.#lsn
  }
}
