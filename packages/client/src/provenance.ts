import type { ProvenanceStamp } from '@joinery/protocol'
import { ListenerSet } from './observable-value.ts'

/** The last edit of something: its actor, its time, and its record in the log. The server says so, not the writer. */
export type Stamp = Omit<ProvenanceStamp, 'path'>

/**
 * Tells who last touched a block or a part of it. Asks the server at the first use and follows from then on, about 250 ms
 * behind. A path is a block's id, or `<block>/content`, `<block>/indexingList`, `<block>/fields`, `<block>/type`.
 */
export class ProvenanceView {
  readonly #stamps = new Map<string, Stamp>()
  /** Paths that the server has reported on this connection. */
  readonly #confirmed = new Set<string>()
  readonly #listeners = new ListenerSet<void>()
  readonly #ask: () => void
  #hasAsked = false

  constructor(ask: () => void) {
    this.#ask = ask
  }

  /** The stamp of `path`: the same object until `path` is touched again. Undefined before the server's answer, or if untouched. */
  of(path: string): Stamp | undefined {
    this.#watch()
    return this.#stamps.get(path)
  }

  /** As {@link of}, but does not ask the server: for a binding that reads before it subscribes, or renders on a server. */
  known(path: string): Stamp | undefined {
    return this.#stamps.get(path)
  }

  /** Calls `listener` after each change. Returns unsubscribe. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#watch()
    return this.#listeners.add(listener)
  }

  /** Whether the server is asked for stamps. */
  get isWatched(): boolean {
    return this.#hasAsked
  }

  /**
   * Begins a new connection, on which the server sends all stamps again. They count even if their LSN is lower than before: the
   * server may have been set back to an older copy.
   */
  restart(): void {
    this.#confirmed.clear()
  }

  /** Takes stamps from the server. */
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

  /** Forgets all stamps: the workspace is another one now. */
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

/** The newest stamp of each path. A stamp of a part also counts for the block that it is a part of. */
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
