import type { LogRecord } from '@joinery/log'

/** The actor, time and record of the last change of a path. The server sets all of them, not the writer. */
export interface Stamp {
  readonly lsn: number
  /** Server time of the record, ms since epoch. */
  readonly at: number
  readonly actor: string
  readonly source: string
}

/**
 * The last stamp of every path that records have touched, and of every path above it: a stamp of `a/content` is found
 * under `a/content` and under `a`.
 */
export class Stamps {
  readonly #byPath: Map<string, Stamp>

  /** @param entries the entries of another table, in its order */
  constructor(entries?: Iterable<readonly [string, Stamp]>) {
    this.#byPath = new Map(entries)
  }

  /** Notes the stamp of one record. Records must come in the order of the log. */
  note({ lsn, at, actor, source, touched }: Pick<LogRecord, 'lsn' | 'at' | 'actor' | 'source' | 'touched'>): void {
    if (touched.length === 0) return
    const stamp: Stamp = { lsn, at, actor, source }
    for (const path of touched) {
      this.#byPath.set(path, stamp)
      for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
        this.#byPath.set(path.slice(0, slash), stamp)
      }
    }
  }

  of(path: string): Stamp | undefined {
    return this.#byPath.get(path)
  }

  get size(): number {
    return this.#byPath.size
  }

  entries(): IterableIterator<[string, Stamp]> {
    return this.#byPath.entries()
  }
}
