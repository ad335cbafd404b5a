import { type Entry, type Journal, LogError } from '@joinery/log'
import { type IntakeEvent, IntakeFold, intakeStates } from './intake.ts'
import { ENGINE } from './task-event.ts'

type IntakeJournal = Journal<IntakeEvent, IntakeFold>

const ENTRY = { ...ENGINE, connection: 'work:' }

/**
 * The server's own journal. While it is damaged, or away for its repair, what comes is kept in memory, and written once the journal
 * is whole again. Nothing of that is the only copy but requests of edits, and these are brought into their workspaces' journals at
 * once.
 */
export class Intake {
  readonly #open: () => Promise<IntakeJournal>
  #journal: IntakeJournal | undefined
  /** The state while there is no journal. */
  #memory = new IntakeFold()
  #damage: LogError | undefined
  /** Resolves when the journal that is away for a repair is back. */
  #away: Promise<void> | undefined

  private constructor(open: () => Promise<IntakeJournal>) {
    this.#open = open
  }

  /** Rejects with the error of `open`, unless that tells of damage. */
  static async open(open: () => Promise<IntakeJournal>): Promise<Intake> {
    const intake = new Intake(open)
    await intake.#restore()
    return intake
  }

  get fold(): IntakeFold {
    return this.#journal?.fold ?? this.#memory
  }

  /** The reason why nothing is written; undefined while the journal is whole. */
  get damage(): LogError | undefined {
    return this.#damage
  }

  /** Resolves when the event is as durable as it can be. Throws the log's error. */
  append(event: IntakeEvent, { sync = false, key }: { sync?: boolean; key?: string } = {}): Promise<void> {
    if (this.#journal === undefined) {
      this.#memory.take(event)
      return Promise.resolve()
    }
    const entry: Entry<IntakeEvent> = { event, ...ENTRY, ...(key !== undefined && { idempotencyKey: key }) }
    return this.#journal.append([entry], { sync }).durable
  }

  /**
   * Removes every byte of a purged workspace, once a repair under way is over. Rejects with the damage if there is any: bytes may be
   * left in the journal, and the intent to remove them stays.
   */
  async forget(workspace: string): Promise<void> {
    while (this.#away !== undefined) await this.#away
    if (this.#journal === undefined) {
      this.#memory.take({ type: 'forgotten', workspace })
      this.#memory.take({ type: 'purging', workspace })
      throw this.#damage ?? new LogError('closed', 'the server’s own journal of tasks is not open: restart the server')
    }
    await this.#journal.erase(
      { event: { type: 'forgotten', workspace }, ...ENTRY },
      { event: { type: 'erased' }, ...ENTRY },
    )
  }

  /** Runs `work` while the journal is closed. */
  async whileClosed<T>(work: () => Promise<T>): Promise<T> {
    while (this.#away !== undefined) await this.#away
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#away = promise
    try {
      await this.#leave()
      return await work()
    } finally {
      await this.#restore().finally(() => {
        this.#away = undefined
        resolve()
      })
    }
  }

  async #leave(): Promise<void> {
    const journal = this.#journal
    if (journal === undefined) return
    this.#memory = intakeStates.decode(intakeStates.encode(journal.fold))
    this.#journal = undefined
    await journal.close()
    await journal.log.close()
  }

  async close(): Promise<void> {
    await this.#journal?.close()
  }

  /** Opens the journal, and writes what it lacks. */
  async #restore(): Promise<void> {
    try {
      const journal = await this.#open()
      const missing = Array.from(missingIn(journal.fold, this.#memory), (event) => ({ event, ...ENTRY }))
      const written = missing.length === 0 ? undefined : journal.append(missing)
      // In the turn of the append: nothing may come to the memory between the two.
      this.#journal = journal
      this.#memory = new IntakeFold()
      this.#damage = undefined
      await written?.durable
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
      this.#damage = error
    }
  }
}

/** Events that bring a state to what another one knows as well. */
function* missingIn(fold: IntakeFold, known: IntakeFold): Generator<IntakeEvent> {
  for (const saga of known.sagas) {
    const written = fold.sagaOf(saga.name, saga.version)
    if (JSON.stringify(written) !== JSON.stringify(saga)) yield { type: 'announced', saga }
  }
  for (const workspace of known.open) if (!fold.open.has(workspace)) yield { type: 'opened', workspace }
  for (const asked of known.asked) if (!fold.isAsked(asked)) yield { type: 'asked', ...asked }
  for (const workspace of known.purging) if (!fold.purging.has(workspace)) yield { type: 'purging', workspace }
}
