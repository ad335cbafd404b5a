import { CLAIM_LISTS } from '@joinery/blocks'
import { type EventStore, openMemoryStore } from '@joinery/log'
import type { LeasedWork, SagaShape, StepShape } from '@joinery/protocol'
import type { Files, OutsideReads } from '@joinery/resources'
import type { Authenticator, Server } from '@joinery/server'
import type { TaskLimits, Tasks } from '@joinery/tasks'
import pino from 'pino'
import type { OwnWork } from '../edge/own-work.ts'
import { openServedTasks, type ServedTasks } from '../tasks/served-tasks.ts'
import { type Answered, ApiFixture } from './api-fixture.ts'

/** A saga as a worker announces it: a step for each name, which can be taken back. */
export function sagaOf(name: string, steps: readonly (string | StepShape)[], more: Partial<SagaShape> = {}): SagaShape {
  const shapes = steps.map(
    (step): StepShape => (typeof step === 'string' ? { name: step, kind: 'step', hasUndo: true } : step),
  )
  return { name, version: 1, digest: shapes.map((step) => step.name).join(','), steps: shapes, ...more }
}

export interface TaskFixtureOptions {
  readonly store?: EventStore
  readonly authenticator?: Authenticator
  readonly limits?: Partial<TaskLimits>
  /** Names of the machines that have an adapter. */
  readonly adapters?: readonly string[]
  readonly ownWork?: OwnWork
  readonly filesOf?: (server: Server, tasks: Tasks) => Files
  readonly outside?: OutsideReads
  /** Headers of the worker's requests. */
  readonly worker?: Record<string, string>
}

/** A real server with tasks and the API, and a worker that does what a test tells it over HTTP. */
export class TaskFixture implements AsyncDisposable {
  readonly api: ApiFixture
  readonly served: ServedTasks
  readonly store: EventStore
  readonly #worker: Record<string, string>

  private constructor(api: ApiFixture, served: ServedTasks, store: EventStore, worker: Record<string, string>) {
    this.api = api
    this.served = served
    this.store = store
    this.#worker = worker
  }

  static async start({
    store = openMemoryStore(),
    authenticator,
    limits = {},
    adapters = [],
    ownWork,
    filesOf,
    outside,
    worker = {},
  }: TaskFixtureOptions = {}): Promise<TaskFixture> {
    let served: ServedTasks | undefined
    const api = await ApiFixture.start({
      store,
      ...(authenticator && { authenticator }),
      ...(ownWork && { ownWork }),
      ...(filesOf && { filesOf }),
      ...(outside && { outside }),
      tasksOf: async (server) => {
        const logger = pino({ level: 'silent' })
        served = await openServedTasks({
          server,
          store,
          lists: CLAIM_LISTS,
          adapters,
          ownSagas: ownWork?.sagas ?? [],
          limits,
          logger,
        })
        return served.tasks
      },
    })
    if (served === undefined) throw new Error('the fixture has no tasks')
    return new TaskFixture(api, served, store, worker)
  }

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    return this.api.call(method, path, body, headers)
  }

  /** Takes steps to run, as a worker that serves the sagas. */
  async lease(serves: readonly SagaShape[], { max = 1, waitMs = 0 } = {}): Promise<LeasedWork[]> {
    const asked = { worker: 'w1', serves, max, waitMs }
    const { status, body, text } = await this.call('POST', '/v1/work/leases', asked, this.#worker)
    if (status !== 200) throw new Error(`${status} ${text}`)
    return body.leases
  }

  /** Tells the server of the sagas, before any task is started. */
  async announce(...serves: readonly SagaShape[]): Promise<void> {
    const taken = await this.lease(serves)
    for (const work of taken) await this.tell(work, 'release')
  }

  /** Takes one step to run, waiting for it. */
  async leaseOne(...serves: readonly SagaShape[]): Promise<LeasedWork> {
    for (;;) {
      const [work] = await this.lease(serves, { waitMs: 10_000 })
      if (work !== undefined) return work
    }
  }

  /** Says something of an attempt. */
  tell({ token }: Pick<LeasedWork, 'token'>, what: 'beat' | 'done' | 'failed' | 'release', body: object = {}) {
    return this.call('POST', `/v1/work/leases/${encodeURIComponent(token)}/${what}`, body, this.#worker)
  }

  /** Runs attempts one after the other until the task has ended. `run` says how each ends. */
  async work(
    id: string,
    saga: SagaShape,
    run: (work: LeasedWork) => object | Promise<object> = () => ({}),
  ): Promise<Answered> {
    for (;;) {
      const answer = await this.call('GET', `/v1/tasks/${id}`)
      if (answer.body.task.endedAt !== undefined) return answer
      for (const work of await this.lease([saga], { waitMs: 1_000 })) {
        const told = await run(work)
        const isFailed = 'error' in told
        const { status, text } = await this.tell(
          work,
          isFailed ? 'failed' : 'done',
          isFailed ? { class: 'permanent', ...told } : told,
        )
        if (status !== 204) throw new Error(`${status} ${text}`)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.closeApi()
    await this.served.close()
    await this.api[Symbol.asyncDispose]()
  }
}
