import { type EventStore, openMemoryStore, type WorkspaceLog } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import type { Json, LeaseAsk, LeasedWork, SagaShape, StepShape } from '@joinery/protocol'
import { journalEvents } from '../record-schemas.ts'
import { stateCodec } from '../saved-state.ts'
import type { TaskView } from '../task.ts'
import { openTasks, type TaskEngine } from '../task-engine.ts'
import type { StartRequest } from '../tasks.ts'
import type { TaskLogger, TasksOptions } from '../tasks-options.ts'
import { WorkFold } from '../work-fold.ts'
import { PlainDocuments } from './plain-documents.ts'

const savedOf = (fold: WorkFold): unknown => JSON.parse(Buffer.from(stateCodec.encode(fold).subarray(1)).toString())

export const ADA = { actor: 'ada', source: 'user_action' }
export const W = 'acme/docs'

/** A saga of these steps. A text is a step that can be taken back. */
export function sagaOf(steps: readonly (string | StepShape)[], more: Partial<SagaShape> = {}): SagaShape {
  const shapes = steps.map(
    (step): StepShape => (typeof step === 'string' ? { name: step, kind: 'step', hasUndo: true } : step),
  )
  const digest = shapes.map(({ name, kind }) => `${name} ${kind}`).join()
  return { name: 'saga', version: 1, digest, steps: shapes, ...more }
}

/** The tasks of one server over a store, with a clock that the test turns. It can be restarted. */
export class TaskScene {
  readonly clock: HandClock
  store: EventStore
  engine!: TaskEngine
  documents!: PlainDocuments
  readonly logged: { level: string; message: string; details: object }[] = []
  readonly #options: Partial<TasksOptions>
  readonly #logs = new Map<string, WorkspaceLog>()
  #releases: (() => Promise<void>)[] = []
  /** Asked for the next jitter. */
  random = 1

  private constructor(store: EventStore, clock: HandClock, options: Partial<TasksOptions>) {
    this.store = store
    this.clock = clock
    this.#options = options
  }

  static async open(
    options: Partial<TasksOptions> & { readonly store?: EventStore; readonly clock?: HandClock } = {},
  ): Promise<TaskScene> {
    const { clock = new HandClock(), ...others } = options
    const { store = openMemoryStore({ clock }), ...rest } = others
    const scene = new TaskScene(store, clock, rest)
    await scene.start()
    return scene
  }

  async start(): Promise<void> {
    const { store } = this
    this.documents = new PlainDocuments(store)
    const log = (level: string) => (details: object, message: string) =>
      void this.logged.push({ level, details, message })
    const logger: TaskLogger = { info: log('info'), warn: log('warn'), error: log('error') }
    this.engine = await openTasks({
      openSystemLog: async (name, release) => {
        const opened = await store.open(name)
        this.#logs.set(name, opened)
        this.#releases.push(async () => {
          await release()
          await opened.close()
        })
        return opened
      },
      atomically: (work) => store.atomically(work),
      copy: store.copy,
      systemLogs: () => store.systemLogs(),
      ...{ documents: this.documents, logger, clock: this.clock, random: () => this.random },
      ...this.#options,
    })
  }

  /** Closes as a server does: the engine, then its logs. */
  async stop(): Promise<void> {
    await this.engine.close()
    for (const release of this.#releases.splice(0)) await release()
    await this.documents.close()
  }

  /** Stops and starts again over the same store. */
  async restart(): Promise<void> {
    await this.stop()
    this.clock.restart()
    await this.start()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.store.close()
  }

  /** Asks for work as a worker that serves these sagas. Does not wait for any. */
  work(
    serves: readonly SagaShape[],
    { worker = 'w1', max = 1, waitMs = 0, ...ask }: Partial<LeaseAsk> = {},
  ): Promise<LeasedWork[]> {
    return this.engine.lease({ ...ask, worker, serves, max, waitMs }, () => true, new AbortController().signal)
  }

  /** The only attempt that a worker is given. Throws if there is none. */
  async next(serves: readonly SagaShape[], ask: Partial<LeaseAsk> = {}): Promise<LeasedWork> {
    const [work] = await this.work(serves, ask)
    if (work === undefined) throw new Error('there is no work')
    return work
  }

  /** Announces the saga and starts a task of it. */
  async begin(
    saga: SagaShape,
    request: Partial<StartRequest> & { input?: Json } = {},
    workspace = W,
  ): Promise<TaskView> {
    const allowsNone = (): boolean => false
    await this.engine.lease(
      { worker: 'w1', serves: [saga], max: 1, waitMs: 0 },
      allowsNone,
      new AbortController().signal,
    )
    return (await this.engine.start(workspace, { saga: saga.name, input: {}, by: ADA, ...request })).task
  }

  /** The state that all records of a workspace's journal make, and that of a snapshot half-way with the records after it. */
  async folds(workspace: string): Promise<[whole: unknown, halves: unknown]> {
    const records = await Array.fromAsync(this.#logs.get(`!work/${workspace}`)?.read() ?? [])
    const whole = new WorkFold()
    let halves = new WorkFold()
    for (const [n, { update, at, lsn }] of records.entries()) {
      whole.take(journalEvents.decode(update), at, lsn)
      halves.take(journalEvents.decode(update), at, lsn)
      if (n === records.length >> 1) halves = stateCodec.decode(stateCodec.encode(halves))
    }
    return [savedOf(whole), savedOf(halves)]
  }

  /** Appends a record to the open log of this name, past the tasks. */
  async damage(log: string, update: Uint8Array): Promise<void> {
    const who = { actor: 'x', source: 'x', connection: 'x', touched: [] }
    await this.#logs.get(log)?.append({ ...who, update }).durable
  }

  find(task: { readonly id: string }, workspace = W): Promise<TaskView> {
    return this.engine.find(workspace, task.id)
  }
}
