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
  /** Paths of which the server has spoken on this connection. */
  readonly #confirmed = new Set<string>()
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

  /**
   * A new connection, on which the server says everything anew. What it says then counts even where its log stands lower than
   * what was heard before: it may have been set back to an older copy.
   */
  restart(): void {
    this.#confirmed.clear()
  }

  /** Takes in what the server said. */
  note(stamps: readonly ProvenanceStamp[]): void {
    let isNews = false
    for (const [path, stamp] of newestByPath(stamps)) {
      const known = this.#stamps.get(path)
      const isConfirmed = this.#confirmed.has(path)
      this.#confirmed.add(path)
      if (known !== undefined && (isConfirmed ? known.lsn >= stamp.lsn : isSameRecord(known, stamp))) continue
      this.#stamps.set(path, stamp)
      isNews = true
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

/** Who touched a part has touched what it is part of. */
function newestByPath(stamps: readonly ProvenanceStamp[]): Map<string, Stamp> {
  const newest = new Map<string, Stamp>()
  for (const { path, ...stamp } of stamps) {
    for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
      if ((newest.get(at)?.lsn ?? 0) < stamp.lsn) newest.set(at, stamp)
      if (!at.includes('/')) break
    }
  }
  return newest
}

function isSameRecord(one: Stamp, other: Stamp): boolean {
  return one.lsn === other.lsn && one.at === other.at && one.actor === other.actor
}
