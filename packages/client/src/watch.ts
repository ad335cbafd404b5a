import { throwIfAborted } from './abort.ts'
import { backOffDelayMs } from './back-off.ts'
import { ClientError } from './client-error.ts'
import { askForNewer, type Question, UNCHANGED } from './history-request.ts'
import { pause } from './lease.ts'
import { type Observable, ObservableValue } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

/** Time for which the server may hold a request until something changes, s: proxies end a silent one after 30. */
const WAIT_SECONDS = 20

/** The last answer of the server about something that it was asked for again and again. */
export interface Seen<T> {
  /** Undefined until the first answer. The same object until the server tells of a change. */
  readonly answer: T | undefined
  /** Reason why the last request had no answer; undefined when it had one. The answer before it stays. */
  readonly error: Error | undefined
}

/**
 * The answer to one question, kept up to date: while it has listeners, a request waits at the server for the next change. A
 * failed request is sent again after a back-off.
 */
export class Watch<T> implements Observable<Seen<T>> {
  readonly #workspace: Workspace
  readonly #question: Question
  readonly #lsnOf: (answer: T) => number
  readonly #isLast: (answer: T) => boolean
  readonly #seen = new ObservableValue<Seen<T>>({ answer: undefined, error: undefined })
  #listeners = 0
  #asking: AbortController | undefined

  /**
   * @param lsnOf the LSN of an answer, which the next request names
   * @param isLast whether nothing will change after this answer; never, by default
   */
  constructor(
    workspace: Workspace,
    question: Question,
    lsnOf: (answer: T) => number,
    isLast: (answer: T) => boolean = () => false,
  ) {
    this.#workspace = workspace
    this.#question = question
    this.#lsnOf = lsnOf
    this.#isLast = isLast
  }

  readonly get = (): Seen<T> => this.#seen.get()

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#seen.subscribe(listener)
    if (this.#listeners++ === 0) this.#start()
    let isListening = true
    return () => {
      unsubscribe()
      if (!isListening) return
      isListening = false
      if (--this.#listeners > 0) return
      this.#asking?.abort()
      this.#asking = undefined
    }
  }

  #start(): void {
    const asking = new AbortController()
    this.#asking = asking
    this.#follow(asking.signal).catch((error: Error) => {
      if (!asking.signal.aborted) this.#seen.set({ ...this.get(), error })
    })
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !this.#isOver; ) {
      try {
        await this.#ask(signal)
        failures = 0
      } catch (error) {
        throwIfAborted(signal)
        if (!(error instanceof ClientError)) throw error
        this.#seen.set({ ...this.get(), error })
        failures++
        await pause(backOffDelayMs(failures, Math.random()), signal)
      }
    }
  }

  get #isOver(): boolean {
    const { answer } = this.get()
    return this.#workspace.closeSignal.aborted || (answer !== undefined && this.#isLast(answer))
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const before = this.get().answer
    const newer = before === undefined ? {} : { newer: { than: this.#lsnOf(before), waitSeconds: WAIT_SECONDS } }
    const answer = await askForNewer<T>(this.#workspace.target, { ...this.#question, ...newer, signal })
    throwIfAborted(signal)
    if (answer !== UNCHANGED) this.#seen.set({ answer, error: undefined })
    else if (this.get().error !== undefined) this.#seen.set({ answer: before, error: undefined })
  }
}
