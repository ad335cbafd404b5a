import type { LogRecord, Lsn } from '@joinery/log'

/** Records that may wait for one slow reader: some milliseconds of a busy workspace. What is more is read from the log. */
const QUEUE_RECORDS_MAX = 1_000
/** Bytes of their updates: one paste of the largest size. The bytes are shared, so that a hundred tails hold them once. */
const QUEUE_BYTES_MAX = 1024 * 1024

/** How far one tail is, and the records that wait in memory for its next step. */
export class TailCursor {
  #lsn: Lsn
  #queue: LogRecord[] = []
  #queuedBytes = 0
  /** LSN of the last record in the queue; that of the cursor when the queue is empty. */
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

  /** Why the tail is over; undefined for a tail that its caller has ended. */
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
   * Puts records into the queue that have just become durable. A cursor that is further behind ignores them, and one whose
   * queue would become too long empties it: both find the records in the log.
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

  /** Something has changed: whoever waits for news looks again. */
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

  /** What `work` resolves with; undefined when the tail is over before that. */
  async unlessOver<T>(work: Promise<T>): Promise<T | undefined> {
    // A promise of its own for each step: in a race with one that lasts, that one would keep all steps in memory.
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
