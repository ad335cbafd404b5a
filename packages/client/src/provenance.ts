import type { ProvenanceStamp } from '@joinery/protocol'
import { ListenerSet } from './observable-value.ts'

/** Who last touched something, when and by which record of the log: the server's word, not the writer's. */
export type Stamp = Omit<ProvenanceStamp, 'path'>

/**
 * Who last touched what. Asks the server at the first use and keeps up from then on, a quarter of a second behind. Paths
 * are a block's id, or `<block>/content`, `<block>/indexingList`, `<block>/fields`, `<block>/type`.
 */
export class ProvenanceView {
  readonly #stamps = new Map<string, Stamp>()
  readonly #listeners = new ListenerSet<void>()
  readonly #ask: () => void
  #hasAsked = false

  constructor(ask: () => void) {
    this.#ask = ask
  }

  /** The same object until somebody touches it again; undefined when nobody has, or the server has not answered yet. */
  of(path: string): Stamp | undefined {
    this.#watch()
    return this.#stamps.get(path)
  }

  /** As {@link of}, and asks for nothing: for a binding that reads before it subscribes, or on a server. */
  known(path: string): Stamp | undefined {
    return this.#stamps.get(path)
  }

  /** Calls `listener` after each change. Returns unsubscribe. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#watch()
    return this.#listeners.add(listener)
  }

  /** Whether anybody has asked. */
  get isWatched(): boolean {
    return this.#hasAsked
  }

  /** Takes in what the server said. */
  note(stamps: readonly ProvenanceStamp[]): void {
    let isNews = false
    for (const { path, ...stamp } of stamps) {
      for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
        if ((this.#stamps.get(at)?.lsn ?? 0) < stamp.lsn) {
          this.#stamps.set(at, stamp)
          isNews = true
        }
        if (!at.includes('/')) break
      }
    }
    if (isNews) this.#listeners.tell()
  }

  /** Forgets: the workspace is another one now. */
  clear(): void {
    this.#stamps.clear()
    this.#listeners.tell()
  }

  #watch(): void {
    if (this.#hasAsked) return
    this.#hasAsked = true
    this.#ask()
  }
}
