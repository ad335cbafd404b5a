import { createHash } from 'node:crypto'
import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import { filesIn } from './disk-copy.ts'
import type { FileRef } from './file-store.ts'

/** Pause before a file whose copy is not there yet is asked for again, ms: it doubles up to the longest while nobody takes any. */
const AGAIN_MS = 2_000
const AGAIN_MS_MAX = 60_000
/** Time between two looks at which keepers there are, ms. */
const LOOK_MS = 5_000
/** Files that wait for their copy. More are found by the next look at all files. */
const WAITING_MAX = 10_000

/** The answer of another process: it has the file, copies it now, or does neither. */
export const KEPT = ['has', 'coming', 'refused'] as const
export type Kept = (typeof KEPT)[number]

/** Another process with files on a disk of its own. */
export interface Keeper {
  /** Its name, over restarts. */
  readonly name: string
  /** This run of it. */
  readonly id: string
  /** Asks whether it has the file, and with `copies` to copy it if not. Rejects if it does not answer. */
  ask(file: FileRef, copies: boolean): Promise<Kept>
}

export interface SecondCopiesOptions {
  /** Folder of this process's files. */
  readonly directory: string
  /** The other processes that live and take files. */
  keepers(): readonly Keeper[]
  readonly logger: { warn(details: object, message: string): void }
  readonly clock?: SteadyClock
}

/** Numbers since the start. */
export interface SecondCopiesCounts {
  /** Files of which another process has a copy, each counted when it was first found. */
  readonly copied: number
  /** Questions that were not answered. */
  readonly unanswered: number
  /** Files that have no second copy yet. */
  readonly waiting: number
}

/**
 * Has another process keep a copy of each file, in the background: the loss of one disk then loses no file. All files are looked at again
 * when other processes come or go, since one of them may have lost its disk.
 */
export class SecondCopies {
  readonly #options: SecondCopiesOptions
  readonly #clock: SteadyClock
  readonly #waiting = new Map<string, FileRef>()
  /** Ends of the pauses under way. */
  readonly #wakes = new Set<() => void>()
  #copied = 0
  #unanswered = 0
  #keepers = ''
  #isClosed = false
  readonly #work: Promise<unknown>

  constructor(options: SecondCopiesOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemSteadyClock
    this.#work = Promise.all([this.#workOff(), this.#watch()])
  }

  get counts(): SecondCopiesCounts {
    return { copied: this.#copied, unanswered: this.#unanswered, waiting: this.#waiting.size }
  }

  /** A file is whole on this process's disk. */
  note(file: FileRef): void {
    if (this.#waiting.size < WAITING_MAX) this.#waiting.set(`${file.scope}/${file.sha256}`, file)
    this.#wake()
  }

  /** Asks nobody any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake()
    await this.#work
  }

  async #workOff(): Promise<void> {
    let againMs = AGAIN_MS
    while (!this.#isClosed) {
      let isTaken = false
      for (const [key, file] of [...this.#waiting]) {
        if (this.#isClosed) return
        const kept = await this.#keep(file)
        if (kept === 'has') this.#waiting.delete(key)
        isTaken ||= kept !== 'refused'
      }
      againMs = isTaken ? AGAIN_MS : Math.min(2 * againMs, AGAIN_MS_MAX)
      await this.#pause(this.#waiting.size > 0 ? againMs : LOOK_MS)
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      const ids = this.#options.keepers().map(({ id }) => id)
      const keepers = ids.sort().join()
      if (keepers !== this.#keepers && keepers !== '') await this.#lookAtAll()
      this.#keepers = keepers
      await this.#pause(LOOK_MS)
    }
  }

  /** Looks at all files, one after the other: nobody waits for it. */
  async #lookAtAll(): Promise<void> {
    const { directory, logger } = this.#options
    try {
      for await (const file of filesIn(directory)) {
        if (this.#isClosed) return
        if ((await this.#keep(file)) !== 'has') this.note(file)
      }
    } catch (err) {
      logger.warn({ err }, 'the files could not be looked at for their second copies')
    }
  }

  /** Looks whether another process has the file. Otherwise asks one of them to copy it. */
  async #keep(file: FileRef): Promise<Kept> {
    const keepers = inOrder(this.#options.keepers(), file)
    for (const keeper of keepers) {
      if ((await this.#ask(keeper, file, false)) !== 'has') continue
      this.#copied++
      return 'has'
    }
    for (const keeper of keepers) if ((await this.#ask(keeper, file, true)) !== 'refused') return 'coming'
    return 'refused'
  }

  async #ask(keeper: Keeper, file: FileRef, copies: boolean): Promise<Kept> {
    try {
      return await keeper.ask(file, copies)
    } catch {
      // It may have just died: the others are asked, and it is asked again later.
      this.#unanswered++
      return 'refused'
    }
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isClosed) return
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#wakes.delete(wake)
        cancel()
        resolve()
      }
      const cancel = this.#clock.after(ms, wake)
      this.#wakes.add(wake)
    })
  }
}

/** The same order in every process, another one for each file, so that all keepers have as much to keep. */
function inOrder(keepers: readonly Keeper[], { sha256 }: FileRef): Keeper[] {
  const placeOf = ({ name }: Keeper): string => createHash('sha256').update(`${sha256} ${name}`).digest('hex')
  return keepers.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
}
