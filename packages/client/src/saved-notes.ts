import { sha256 } from '@joinery/blocks'
import { toBase64 } from 'lib0/buffer'
import * as Y from 'yjs'
import { steadyNow } from './steady-clock.ts'

/**
 * Names the state of a document: two documents have the same name if they have the same insertions and the same deletions. A
 * state vector alone says nothing of deletions. Takes time in proportion to the document.
 */
export function stateOf(doc: Y.Doc): string {
  return toBase64(sha256(Y.encodeSnapshot(Y.snapshot(doc))))
}

/** Whether `state` names the state of this document. False for a document that still waits for parts of it. */
export function isStateOf(doc: Y.Doc, state: string | undefined): boolean {
  const isWhole = doc.store.pendingStructs === null && doc.store.pendingDs === null
  return state !== undefined && isWhole && stateOf(doc) === state
}

/** Time without a change until the local copy is told that all is saved, ms: to name a state reads the whole document, which typing must not wait for. */
const NOTE_MS = 1_000

/**
 * Notes in the local copy which state of the document the server has in full, so that a tab that opens without a server does not
 * call all of it unsaved: once nothing has changed for a second, and at the end of each connection.
 */
export class SavedNotes {
  readonly #doc: Y.Doc
  readonly #copy: { noteSaved(state: string): void }
  readonly #isSaved: () => boolean
  /** Whether the copy's note is about the document as it is. */
  #isNoted = false
  /** When the document changed last, ms of `steadyNow()`. */
  #changedAtMs = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `isSaved`: whether the server has everything that is in `doc` now. */
  constructor(doc: Y.Doc, copy: { noteSaved(state: string): void }, isSaved: () => boolean) {
    this.#doc = doc
    this.#copy = copy
    this.#isSaved = isSaved
  }

  /** The document has changed. */
  changed(): void {
    this.#isNoted = false
    this.#changedAtMs = steadyNow()
    this.saved()
  }

  /** The server has made something durable. */
  saved(): void {
    if (this.#isNoted) return
    this.#timer ??= setTimeout(() => this.#look(), NOTE_MS)
  }

  /** Writes the note, or waits on if the document has changed meanwhile: a timer for each edit would cost each of them. */
  #look(): void {
    const restMs = this.#changedAtMs + NOTE_MS - steadyNow()
    this.#timer = restMs > 0 ? setTimeout(() => this.#look(), restMs) : undefined
    if (this.#timer === undefined) this.write()
  }

  /** Writes the note, if all is saved. */
  write(): void {
    if (this.#isNoted || !this.#isSaved()) return
    this.#isNoted = true
    this.#copy.noteSaved(stateOf(this.#doc))
  }

  /** Ends the notes. With `isLast`, writes the last one. */
  close(isLast: boolean): void {
    clearTimeout(this.#timer)
    if (isLast) this.write()
    this.#isNoted = true
  }
}
