import type { SteadyClock } from '@joinery/log'
import {
  type EngineMessage,
  MESSAGE_BYTES_MAX,
  type PartMessage,
  REPEAT_WINDOW_MS,
  type StoredMessage,
} from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { checkSubject } from '../names.ts'

/** The logs of an engine in memory. */
export class MemoryLog {
  readonly #clock: SteadyClock
  readonly #ignoresExpectations: boolean
  readonly #messages = new Map<string, StoredMessage[]>()
  /** The messages of all subjects, in order. */
  #all: PartMessage[] = []
  /** Sequence and time of the ids that were appended lately, oldest first. */
  readonly #ids = new Map<string, { readonly sequence: number; readonly atMs: number }>()
  readonly #listeners = new Set<(subject: string, part: number) => void>()
  #sequence = 0

  constructor(clock: SteadyClock, ignoresExpectations: boolean) {
    this.#clock = clock
    this.#ignoresExpectations = ignoresExpectations
  }

  append(subject: string, message: EngineMessage, expected: number): { sequence: number } | 'refused' {
    checkSubject(subject)
    if (message.body.byteLength > MESSAGE_BYTES_MAX) {
      throw new EngineError(
        'invalid',
        `a message takes at most ${MESSAGE_BYTES_MAX} bytes, not ${message.body.byteLength}`,
      )
    }
    this.#forgetIds()
    const before = this.#ids.get(message.id)
    if (before !== undefined) return { sequence: before.sequence }
    const messages = this.#messages.get(subject) ?? []
    if (!this.#ignoresExpectations && (messages.at(-1)?.sequence ?? 0) !== expected) return 'refused'
    const sequence = ++this.#sequence
    const stored = { ...message, body: message.body.slice(), sequence }
    messages.push(stored)
    this.#all.push({ ...stored, subject })
    this.#messages.set(subject, messages)
    this.#ids.set(message.id, { sequence, atMs: this.#clock.monotonicMs() })
    for (const listener of this.#listeners) listener(subject, 0)
    return { sequence }
  }

  last(subject: string, lag = 0): StoredMessage | undefined {
    return this.#upTo(checkSubject(subject), lag).at(-1)
  }

  read(subject: string, after: number, limit: number, lag = 0): StoredMessage[] {
    const found = this.#upTo(checkSubject(subject), lag).filter(({ sequence }) => sequence > after)
    return found.slice(0, limit)
  }

  readPart(after: number, limit: number, lag = 0): PartMessage[] {
    const seen = lag === 0 ? this.#all : this.#all.slice(0, Math.max(0, this.#all.length - lag))
    // Most readers are near the end.
    const from = seen.findLastIndex(({ sequence }) => sequence <= after) + 1
    return seen.slice(from, from + limit)
  }

  removeBefore(subject: string, before: number): void {
    const messages = this.#messages.get(checkSubject(subject)) ?? []
    this.#messages.set(
      subject,
      messages.filter(({ sequence }) => sequence >= before),
    )
    this.#all = this.#all.filter((message) => message.subject !== subject || message.sequence >= before)
  }

  subjects(): string[] {
    return [...this.#messages].flatMap(([subject, messages]) => (messages.length > 0 ? [subject] : []))
  }

  onAppend(listener: (subject: string, part: number) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Drops the messages of a subject after a sequence, as a store that was set back does. */
  setBack(subject: string, after: number): void {
    const kept = this.#upTo(subject, 0).filter(({ sequence }) => sequence <= after)
    this.#messages.set(subject, [...kept])
    this.#all = this.#all.filter((message) => message.subject !== subject || message.sequence <= after)
  }

  /** Drops everything, and counts from the first sequence again. */
  lose(): void {
    this.#messages.clear()
    this.#ids.clear()
    this.#all = []
    this.#sequence = 0
  }

  #upTo(subject: string, lag: number): StoredMessage[] {
    const messages = this.#messages.get(subject) ?? []
    return lag === 0 ? messages : messages.slice(0, Math.max(0, messages.length - lag))
  }

  #forgetIds(): void {
    const untilMs = this.#clock.monotonicMs() - REPEAT_WINDOW_MS
    for (const [id, { atMs }] of this.#ids) {
      if (atMs >= untilMs) return
      this.#ids.delete(id)
    }
  }
}
