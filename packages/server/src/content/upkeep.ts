import { setImmediate } from 'node:timers/promises'

/** What can be kept up: a room. */
interface Kept {
  /** Never rejects. */
  maintain(): Promise<void>
}

/**
 * The work of rooms that nobody waits for (snapshots, sealing, compaction): one room at a time, with a turn for everybody
 * else in between, so that a thousand rooms that are due at once do not stop the server for a second.
 */
export class Upkeep {
  readonly #due = new Set<Kept>()
  #running: Promise<void> | undefined

  add(room: Kept): void {
    this.#due.add(room)
    this.#running ??= this.#run()
  }

  delete(room: Kept): void {
    this.#due.delete(room)
  }

  async #run(): Promise<void> {
    await setImmediate()
    // A set also gives what is added while it is gone through.
    for (const room of this.#due) {
      this.#due.delete(room)
      await room.maintain()
      await setImmediate()
    }
    this.#running = undefined
  }
}
