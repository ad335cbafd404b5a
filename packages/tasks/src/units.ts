import type { Unit } from './attempts.ts'

/** Numbers of a step's units by what becomes of them. */
export interface UnitCounts {
  /** Runs that are done, or were taken for done. */
  done: number
  running: number
  waiting: number
  /** Runs that are not made again. */
  failed: number
  /** Runs that may have happened and are not made again. */
  unsure: number
  /** Units that may have happened, and are neither taken back nor given up. */
  undoLeft: number
  undoRunning: number
  undone: number
  undoFailed: number
}

const NONE: UnitCounts = {
  ...{ done: 0, running: 0, waiting: 0, failed: 0, unsure: 0 },
  ...{ undoLeft: 0, undoRunning: 0, undone: 0, undoFailed: 0 },
}

const NO_UNITS: ReadonlyMap<string, Unit> = new Map()

/** The units of one step that have begun, by the key of their item. A unit is replaced, never changed. */
export class Units {
  readonly #hasUndo: boolean
  readonly #base: ReadonlyMap<string, Unit> | undefined
  /** Made with the first unit: most steps of many tasks have not begun. */
  #units: Map<string, Unit> | undefined
  #counts: UnitCounts

  constructor(hasUndo: boolean, base?: ReadonlyMap<string, Unit>, counts: UnitCounts = NONE) {
    this.#hasUndo = hasUndo
    this.#base = base
    this.#counts = counts
  }

  get counts(): Readonly<UnitCounts> {
    return this.#counts
  }

  get(key: string): Unit | undefined {
    return this.#units?.get(key) ?? this.#base?.get(key)
  }

  set(key: string, unit: Unit): void {
    if (this.#units === undefined) {
      this.#units = new Map()
      this.#counts = { ...this.#counts }
    }
    const before = this.get(key)
    if (before !== undefined) this.#count(before, -1)
    this.#count(unit, 1)
    this.#units.set(key, unit)
  }

  /** Whether the unit may have happened, so that it has to be taken back. */
  needsUndo({ run, isUnsure, isSkipped }: Unit): boolean {
    return this.#hasUndo && (isUnsure || (run.state === 'done' && !isSkipped))
  }

  /** A copy for trying events. It must not outlive the next change of these units. */
  fork(): Units {
    if (this.#base !== undefined) throw new Error('a copy for trying events has no copies')
    return new Units(this.#hasUndo, this.#units ?? NO_UNITS, this.#counts)
  }

  /** The units in the order in which they began. */
  *entries(): Generator<[string, Unit]> {
    const own: ReadonlyMap<string, Unit> = this.#units ?? NO_UNITS
    if (this.#base === undefined) return yield* own
    for (const [key, unit] of this.#base) yield [key, own.get(key) ?? unit]
    for (const [key, unit] of own) if (!this.#base.has(key)) yield [key, unit]
  }

  #count(unit: Unit, by: 1 | -1): void {
    const counts = this.#counts
    const { run, undo } = unit
    if (run.state !== 'idle') counts[run.state] += by
    if (undo.state === 'running') counts.undoRunning += by
    if (undo.state === 'done') counts.undone += by
    else if (undo.state === 'failed') counts.undoFailed += by
    else if (this.needsUndo(unit)) counts.undoLeft += by
  }
}
