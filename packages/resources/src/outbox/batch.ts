import type { LogRecord } from '@joinery/log'
import type { ChangeKind } from './subscription-config.ts'

/** Records and paths that one delivery tells at most. */
const RECORDS_MAX = 1_000
const PATHS_MAX = 200

/** The kind of change that a path of a record stands for. */
export function kindOf(path: string): ChangeKind {
  const part = path.slice(path.lastIndexOf('/') + 1)
  if (!path.includes('/')) return 'block'
  if (part === 'content') return 'content'
  return part === 'statuses' || part === 'indexingList' ? 'status' : 'block'
}

/** Whether one of the paths is of one of the kinds. */
export function hasKind(touched: readonly string[], kinds: ReadonlySet<ChangeKind>): boolean {
  return touched.some((path) => kinds.has(kindOf(path)))
}

/** Consecutive records of a workspace, as one delivery tells them: which paths they touched, and no content. */
export class Batch {
  readonly #kinds: ReadonlySet<ChangeKind>
  readonly #paths = new Set<string>()
  #records = 0
  #hasOthers = false
  #from: number | undefined
  #at = 0

  constructor(kinds: ReadonlySet<ChangeKind>) {
    this.#kinds = kinds
  }

  add({ lsn, at, touched }: Pick<LogRecord, 'lsn' | 'at' | 'touched'>): void {
    const wanted = touched.filter((path) => this.#kinds.has(kindOf(path)))
    if (wanted.length === 0) return
    this.#from ??= lsn
    this.#at = at
    this.#records++
    for (const path of wanted) this.#paths.add(path)
    this.#hasOthers ||= wanted.some((path) => kindOf(path) !== 'content')
  }

  /** LSN of the first record that matters; undefined while there is none. */
  get from(): number | undefined {
    return this.#from
  }

  /** Time of the last record that matters, ms since epoch. */
  get at(): number {
    return this.#at
  }

  get isFull(): boolean {
    return this.#records >= RECORDS_MAX || this.#paths.size >= PATHS_MAX
  }

  /** Whether there is more in it than changes of contents, which may wait for others. */
  get hasOthers(): boolean {
    return this.#hasOthers
  }

  get paths(): string[] {
    return [...this.#paths].sort().slice(0, PATHS_MAX)
  }

  get isCut(): boolean {
    return this.#paths.size > PATHS_MAX
  }

  /** Blocks whose statuses have changed. */
  get blocksWithStatus(): string[] {
    const ids = this.paths
      .filter((path) => kindOf(path) === 'status')
      .map((path) => path.slice(0, path.lastIndexOf('/')))
    return [...new Set(ids)]
  }
}
