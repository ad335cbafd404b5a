import type { Part } from '../history/publisher.ts'

/** A log that publishes the records of a turn once the turn is over. */
export interface TurnLog {
  /** The log whose records of the same turn have to be replicated first; undefined for none. */
  readonly leader: TurnLog | undefined
  /** Publishes records, or the birth of the log if there are none, once `after` has resolved. Never rejects before its caller looks. */
  publishTurn(parts: readonly Part[], after: Promise<unknown> | undefined): Promise<void>
}

/**
 * The records that were appended in this turn of the event loop, to whatever logs. They are published when the turn is over, since
 * until then they may be taken back.
 */
export class TurnQueue {
  #entries: { readonly log: TurnLog; readonly part: Part | undefined }[] = []
  #isScheduled = false

  /** Adds a record, or only the birth of a log. */
  add(log: TurnLog, part: Part | undefined): void {
    this.#entries.push({ log, part })
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.#flush())
  }

  /** Runs `work`, and forgets what it has added if it throws. */
  atomically<T>(work: () => T): T {
    const { length } = this.#entries
    try {
      return work()
    } catch (error) {
      this.#entries.length = length
      throw error
    }
  }

  #flush(): void {
    this.#isScheduled = false
    const entries = this.#entries
    this.#entries = []
    const byLog = Map.groupBy(entries, ({ log }) => log)
    const published = new Map<TurnLog, Promise<void>>()
    const publish = (log: TurnLog): Promise<void> | undefined => {
      const parts = byLog.get(log)?.flatMap(({ part }) => part ?? [])
      if (parts === undefined) return undefined
      let publishing = published.get(log)
      if (publishing === undefined) {
        publishing = log.publishTurn(parts, log.leader && publish(log.leader))
        published.set(log, publishing)
      }
      return publishing
    }
    for (const log of byLog.keys()) void publish(log)
  }
}
