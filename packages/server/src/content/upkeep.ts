import { setImmediate } from 'node:timers/promises'

/** A room, as upkeep needs it. */
interface Kept {
  /** Does the room's upkeep. Never rejects. */
  maintain(): Promise<void>
}

/**
 * Runs the work of rooms that nobody waits for: snapshots, sealing, compaction. One room at a time, with a turn of the
 * event loop for other work in between: a thousand rooms that are due at once would otherwise stop the server for a
 * second.
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
    // Iterating a Set also visits the rooms that are added meanwhile.
    for (const room of this.#due) {
      this.#due.delete(room)
      await room.maintain()
      await setImmediate()
    }
    this.#running = undefined
  }
}
