import { type AdoptingLog, openMemoryStore } from '@joinery/log'
import type { Copies } from './state-synchronizer.ts'

/** Copies of a process without a disk: they end with it. One piece of work on a log comes after the other. */
export class MemoryCopies implements Copies {
  readonly #store = openMemoryStore()
  #last: Promise<unknown> = Promise.resolve()

  withCopy<T>(name: string, work: (log: AdoptingLog) => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      const log = await this.#store.open(name)
      try {
        return await work(log)
      } finally {
        await log.close()
      }
    })
    this.#last = done.catch(() => undefined)
    return done
  }
}
