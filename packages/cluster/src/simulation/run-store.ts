import type { AdoptingLog, AdoptingStore } from '@joinery/log'
import { DelegatingStore } from '@joinery/log/testing'

/** A node's disk as one run of its process has it: after a kill nothing of that run reads or writes it any more. */
export class RunStore extends DelegatingStore implements AdoptingStore {
  readonly #disk: AdoptingStore
  readonly #logs = new Set<AdoptingLog>()
  #isKilled = false

  constructor(disk: AdoptingStore) {
    super(disk)
    this.#disk = disk
  }

  override async open(workspace: string): Promise<AdoptingLog> {
    if (this.#isKilled) throw new Error('killed')
    const log = (await this.inner.open(workspace)) as AdoptingLog
    this.#logs.add(log)
    if (this.#isKilled) await log.close()
    return log
  }

  async generationOf(name: string): Promise<string | undefined> {
    if (this.#isKilled) throw new Error('killed')
    return await this.#disk.generationOf(name)
  }

  async discard(name: string): Promise<void> {
    if (this.#isKilled) throw new Error('killed')
    await this.#disk.discard(name)
  }

  /** The process is killed: what it had open is free for the next run. */
  kill(): void {
    this.#isKilled = true
    for (const log of this.#logs) void log.close()
  }

  /** The disk stays, as after a process that has ended. */
  override async close(): Promise<void> {
    this.kill()
  }
}
