import { isDeepStrictEqual } from 'node:util'
import type { LeasedWork, SagaShape } from '@joinery/protocol'
import { TaskError } from '../task-error.ts'
import { ADA, sagaOf, TaskScene, W } from './task-scene.ts'

/** One step as the model has it: a register that is written once, and taken back once. */
interface Cell {
  state: 'idle' | 'done' | 'undone'
  result: number | undefined
  /** Attempts that may have happened and were not answered. */
  isUnsure: boolean
  /** Name of the lease that was given last. */
  token: string | undefined
  kind: 'run' | 'undo'
  isRunning: boolean
  /** Time at which the lease ends unless it is renewed, ms of the monotonic clock. */
  endsAtMs: number
  /** Time at which an attempt ends that was told of a cancel, however often it beats. */
  graceEndsAtMs: number
  key: string | undefined
  undoKey: string | undefined
}

interface Lease {
  readonly work: LeasedWork
  readonly cell: string
}

const LEASE_MS = 30_000
/** Time of an attempt from the beat that tells it of a cancel. */
const GRACE_MS = 30_000
const retry = { attempts: 100, firstMs: 100, maxMs: 1_000 }
const SAGA: SagaShape = sagaOf([
  { name: 'one', kind: 'step', hasUndo: true, retry },
  { name: 'two', kind: 'step', hasUndo: true, retry },
  { name: 'three', kind: 'step', hasUndo: true, retry },
])
const NAMES = SAGA.steps.map(({ name }) => name)

/**
 * Makes one history of a task: workers lease, beat, answer, fail and vanish, clocks are set, the server is restarted, somebody
 * cancels. After each command the task is compared with a model that knows no journal. At the end all work is done.
 *
 * @returns the first difference, in words; undefined when there is none
 */
export async function runHistory(choices: readonly number[], seed: number): Promise<string | undefined> {
  const scene = await TaskScene.open()
  scene.random = (seed % 1_000) / 1_000
  const history = new TaskHistory(scene)
  try {
    await history.begin()
    for (const choice of choices) {
      const fault = await history.step(choice)
      if (fault !== undefined) return fault
    }
    return await history.end()
  } finally {
    await scene.close()
  }
}

class TaskHistory {
  readonly #scene: TaskScene
  readonly #cells = new Map<string, Cell>()
  readonly #leases: Lease[] = []
  #task = ''
  #isCanceled = false
  #results = 0

  constructor(scene: TaskScene) {
    this.#scene = scene
  }

  async begin(): Promise<void> {
    for (const name of NAMES) {
      const cell: Cell = {
        ...{ state: 'idle', result: undefined, isUnsure: false, token: undefined, kind: 'run', isRunning: false },
        ...{ endsAtMs: 0, graceEndsAtMs: Infinity, key: undefined, undoKey: undefined },
      }
      this.#cells.set(name, cell)
    }
    this.#task = (await this.#scene.begin(SAGA)).id
  }

  async step(choice: number): Promise<string | undefined> {
    const argument = Math.floor(choice / 16)
    const lease = this.#leases[argument % Math.max(1, this.#leases.length)]
    switch (choice % 16) {
      case 0:
      case 1:
      case 2:
        return (await this.#lease()) ?? this.#compare()
      case 3:
      case 4:
      case 5:
        return lease && ((await this.#done(lease)) ?? this.#compare())
      case 6:
        return lease && ((await this.#failed(lease)) ?? this.#compare())
      case 7:
        return lease && (await this.#beat(lease))
      case 8:
      case 9:
        this.#scene.clock.pass(argument % 20_000)
        break
      case 10:
        this.#scene.clock.pass(LEASE_MS + 1)
        break
      case 11:
        this.#scene.clock.step((argument % 172_800_000) - 86_400_000)
        break
      case 12:
      case 13:
        await this.#scene.restart()
        for (const cell of this.#cells.values()) {
          // The next beat tells of the cancel again.
          if (cell.isRunning) Object.assign(cell, { endsAtMs: this.#nowMs + LEASE_MS, graceEndsAtMs: Infinity })
        }
        break
      case 14:
        if (argument % 4 === 0) await this.#cancel()
        break
      case 15:
        return lease && ((await this.#release(lease)) ?? this.#compare())
    }
    this.#expire()
    return this.#compare()
  }

  /** Does all work that is left. The task must end. */
  async end(): Promise<string | undefined> {
    this.#scene.clock.pass(LEASE_MS + 1)
    this.#expire()
    for (let n = 0; n < 20; n++) {
      this.#scene.clock.pass(1_001)
      this.#expire()
      const fault = await this.#lease()
      if (fault !== undefined) return fault
      const last = this.#leases.at(-1)
      if (last !== undefined && this.#cell(last).isRunning) {
        const wrong = await this.#done(last)
        if (wrong !== undefined) return wrong
      }
    }
    const { state } = await this.#scene.engine.find(W, this.#task)
    const expected = this.#isCanceled ? 'canceled' : 'done'
    if (state !== expected) return `the task ended ${state}, and should be ${expected}`
    const left = [...this.#cells].filter(([, cell]) => this.#isCanceled && cell.state === 'done')
    return left.length > 0 ? `${left[0]?.[0]} was not taken back` : ((await this.#compare()) ?? this.#compareFolds())
  }

  get #nowMs(): number {
    return this.#scene.clock.monotonicMs()
  }

  #cell({ cell: name }: Lease): Cell {
    const cell = this.#cells.get(name)
    if (cell === undefined) throw new Error(`no step ${name}`)
    return cell
  }

  /** The cell that may be leased now: the first that is not done, or, after a cancel, the last to take back. */
  #open(): [name: string, kind: 'run' | 'undo'] | undefined {
    if ([...this.#cells.values()].some(({ isRunning }) => isRunning)) return undefined
    const all = [...this.#cells]
    if (!this.#isCanceled) {
      const next = all.find(([, { state }]) => state === 'idle')
      return next && [next[0], 'run']
    }
    const last = all.reverse().find(([, { state, isUnsure }]) => state === 'done' || (state === 'idle' && isUnsure))
    return last && [last[0], 'undo']
  }

  async #lease(): Promise<string | undefined> {
    const open = this.#open()
    const [work] = await this.#scene.work([SAGA])
    if (work === undefined) return undefined
    if (open === undefined) return `${work.kind} ${work.step} was given away, and nothing was open`
    const [name, kind] = open
    if (work.step !== name || work.kind !== kind)
      return `${work.kind} ${work.step} was given, and ${kind} ${name} was open`
    const cell = this.#cells.get(name)
    if (cell === undefined) return `there is no step ${name}`
    const known = kind === 'run' ? cell.key : cell.undoKey
    if (known !== undefined && known !== work.key) return `the key of ${kind} ${name} has changed`
    if (kind === 'run') cell.key = work.key
    else cell.undoKey = work.key
    if (kind === 'undo' && work.result !== (cell.state === 'done' ? cell.result : undefined)) {
      return `the undo of ${name} was given ${JSON.stringify(work.result)}, and the run had ${cell.result}`
    }
    const endsAtMs = this.#nowMs + LEASE_MS
    Object.assign(cell, { token: work.token, kind, isRunning: true, endsAtMs, graceEndsAtMs: Infinity })
    this.#leases.push({ work, cell: name })
    return undefined
  }

  async #done(lease: Lease): Promise<string | undefined> {
    const cell = this.#cell(lease)
    const result = ++this.#results
    const isUndoBegun = lease.work.kind === 'run' && cell.kind === 'undo'
    // A late answer counts as long as nobody else was given the step.
    const isMine = cell.token === lease.work.token && !isUndoBegun
    const isOver = lease.work.kind === 'run' ? cell.state !== 'idle' : cell.state === 'undone'
    const counts = isMine && !isOver && (cell.isRunning || cell.isUnsure || cell.kind === 'undo')
    const outcome = await this.#codeOf(this.#scene.engine.done(lease.work.token, { result }))
    if (counts !== (outcome === undefined))
      return `done of ${lease.cell} was answered ${outcome}, and ${counts ? 'counts' : 'does not count'}`
    if (!counts) return undefined
    cell.isRunning = false
    if (lease.work.kind === 'run') Object.assign(cell, { state: 'done', result, isUnsure: false })
    else cell.state = 'undone'
    return undefined
  }

  async #failed(lease: Lease): Promise<string | undefined> {
    const cell = this.#cell(lease)
    const isMine = cell.token === lease.work.token && cell.isRunning
    const outcome = await this.#codeOf(
      this.#scene.engine.failed(lease.work.token, { error: `x${++this.#results}`, class: 'transient' }),
    )
    if (isMine !== (outcome === undefined)) return `failed of ${lease.cell} was answered ${outcome}`
    // An attempt that failed is answered: it is not answered again.
    if (isMine) Object.assign(cell, { isRunning: false, token: undefined })
    return undefined
  }

  async #release(lease: Lease): Promise<string | undefined> {
    const cell = this.#cell(lease)
    const isMine = cell.token === lease.work.token && cell.isRunning
    const outcome = await this.#codeOf(this.#scene.engine.release(lease.work.token))
    if (isMine !== (outcome === undefined)) return `release of ${lease.cell} was answered ${outcome}`
    if (isMine) Object.assign(cell, { isRunning: false, token: undefined })
    return undefined
  }

  async #beat(lease: Lease): Promise<string | undefined> {
    const cell = this.#cell(lease)
    const isMine = cell.token === lease.work.token && cell.isRunning
    const outcome = await this.#codeOf(this.#scene.engine.beat(lease.work.token, {}))
    if (isMine !== (outcome === undefined)) return `a beat of ${lease.cell} was answered ${outcome}`
    if (isMine) cell.endsAtMs = this.#nowMs + LEASE_MS
    if (isMine && this.#isCanceled && cell.kind === 'run') {
      cell.graceEndsAtMs = Math.min(cell.graceEndsAtMs, this.#nowMs + GRACE_MS)
    }
    return undefined
  }

  async #cancel(): Promise<void> {
    const outcome = await this.#codeOf(this.#scene.engine.cancel(W, this.#task, ADA))
    if (outcome === undefined) this.#isCanceled = true
  }

  /** Leases end by the monotonic clock alone. */
  #expire(): void {
    for (const cell of this.#cells.values()) {
      if (!cell.isRunning || Math.min(cell.endsAtMs, cell.graceEndsAtMs) > this.#nowMs) continue
      cell.isRunning = false
      if (cell.kind === 'run') cell.isUnsure = true
    }
  }

  async #codeOf(call: Promise<unknown>): Promise<string | undefined> {
    try {
      await call
      return undefined
    } catch (error) {
      if (error instanceof TaskError) return error.code
      throw error
    }
  }

  async #compare(): Promise<string | undefined> {
    const view = await this.#scene.engine.find(W, this.#task)
    for (const [n, [name, cell]] of [...this.#cells].entries()) {
      const step = view.steps[n]
      const shown = step?.done === 1
      if (shown !== (cell.result !== undefined))
        return `${name} is shown ${step?.state}, and the model has ${cell.state}`
      if (cell.result !== undefined && step?.result !== cell.result)
        return `${name} has the result ${JSON.stringify(step?.result)}, not ${cell.result}`
      if ((step?.workers?.length === 1) !== cell.isRunning)
        return `${name} ${cell.isRunning ? 'has' : 'has no'} lease in the model`
    }
    return undefined
  }

  /** The state from a snapshot and the records after it is that of all records. */
  async #compareFolds(): Promise<string | undefined> {
    const [whole, halves] = await this.#scene.folds(W)
    return isDeepStrictEqual(whole, halves) ? undefined : 'a snapshot and its tail make another state than all records'
  }
}
