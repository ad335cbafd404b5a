import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TaskView } from '@joinery/protocol'
import { expect } from 'vitest'
import { HttpCaller } from '../api/http-caller.ts'
import { type Child, startChild } from '../support/child-process.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { WAIT_MS } from '../support/patience.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Outside, startOutside } from './outside.ts'
import { startWorkProxy, type WorkProxy } from './work-proxy.ts'

const WORKER = fileURLToPath(new URL('worker-program.ts', import.meta.url))
/** A lease ends soon after its worker was killed, so that a test need not wait for it. */
export const LEASE_MS = 1_500
const LIMITS = `tasks.leaseMs=${LEASE_MS}`
const WORKSPACE = 'acme/docs'
export const HOME = `/v1/workspaces/${encodeURIComponent(WORKSPACE)}`
const ENDED: readonly TaskView['state'][] = [
  'done',
  'failed',
  'compensated',
  'compensated_partly',
  'canceled',
  'needs_attention',
]

export const isEnded = ({ state }: TaskView): boolean => ENDED.includes(state)

/** The traces that templates leave outside of the document, and how workers are told where that is. */
export interface Trail {
  /** Added to the environment of workers. */
  readonly env: Readonly<Record<string, string>>
  /** Number of the files that a template has left. */
  files(prefix: string): number | Promise<number>
  charges(prefix?: string): readonly { readonly amount: number; readonly refunds: number }[]
}

/** A server, workers as processes of their own behind a proxy, and the outside that their steps call. */
export class SagaScene implements AsyncDisposable {
  readonly outside: Outside
  readonly proxy: WorkProxy
  readonly directory: string
  readonly workspace = WORKSPACE
  server: JoineryProcess
  readonly #trail: Trail | undefined
  /** Workers that are started again when they end. */
  readonly #kept = new Set<{ child: Child }>()
  readonly #directory: AsyncDisposable
  #isOver = false

  private constructor(
    server: JoineryProcess,
    proxy: WorkProxy,
    outside: Outside,
    directory: AsyncDisposable & { path: string },
    trail: Trail | undefined,
  ) {
    this.#trail = trail
    this.server = server
    this.proxy = proxy
    this.outside = outside
    this.#directory = directory
    this.directory = directory.path
  }

  /** @param trail of templates that work on the real outside; by default they leave files in the directory, and charges in {@link outside} */
  static async start(trail?: Trail): Promise<SagaScene> {
    const directory = await tempDirectory()
    const server = await startJoinery({ directory: join(directory.path, 'data'), env: { JOINERY_LIMITS: LIMITS } })
    return new SagaScene(server, await startWorkProxy(server.port), await startOutside(), directory, trail)
  }

  /** Starts a worker once. */
  startWorker(env: Readonly<Record<string, string>> = {}): Child {
    return startChild({
      args: [WORKER, this.proxy.url, String(LEASE_MS)],
      env: { JOINERY_TOKEN: undefined, ...this.#trail?.env, ...env },
    })
  }

  /** Keeps a worker running: one that ends is started again, as `serve --work` does. */
  keepWorker(): void {
    const kept = { child: this.startWorker() }
    this.#kept.add(kept)
    const onEnd = (): void => {
      if (this.#isOver) return
      kept.child = this.startWorker()
      void kept.child.exited.then(onEnd)
    }
    void kept.child.exited.then(onEnd)
  }

  /** Kills the workers that are kept, at once. */
  async killWorkers(): Promise<void> {
    await Promise.all([...this.#kept].map(({ child }) => child.end('SIGKILL')))
  }

  /** Kills the server and starts it again on its port. */
  async killServer(): Promise<void> {
    await this.server.child.end('SIGKILL')
    await this.startServer()
  }

  /** Starts the server again, on its port, once it has ended. */
  async startServer(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { port } = this.server
    this.server = await startJoinery({ directory: this.data, port, env: { JOINERY_LIMITS: LIMITS, ...env } })
  }

  /** The data directory of the server. */
  get data(): string {
    return join(this.directory, 'data')
  }

  async call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    using caller = new HttpCaller(`http://127.0.0.1:${this.server.port}`)
    return await caller.call(method, path, body, headers)
  }

  inputOf(prefix: string, over: Readonly<Record<string, unknown>> = {}) {
    return { prefix, outside: this.outside.url, directory: join(this.directory, prefix), ...over }
  }

  /** Starts a task, once a worker has announced its saga. Resolves with the path of the task. */
  async begin(saga: string, input: { readonly prefix: string }): Promise<string> {
    const deadlineMs = performance.now() + WAIT_MS
    for (;;) {
      const { status, json, headers } = await this.call(
        'POST',
        `${HOME}/tasks`,
        { saga, input },
        { 'idempotency-key': input.prefix },
      )
      if (status === 202) return String(headers.location)
      if (json.error.code !== 'unknown_saga' || performance.now() > deadlineMs) throw new Error(JSON.stringify(json))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async read(path: string): Promise<TaskView> {
    return (await this.call('GET', path)).json.task
  }

  /** Resolves with the task once it fits, over kills of the server. Rejects when nothing happens to it for long. */
  async until(path: string, fits: (task: TaskView) => boolean): Promise<TaskView> {
    let deadlineMs = performance.now() + WAIT_MS
    let last: TaskView | undefined
    for (;;) {
      // The server may be away.
      const task = await this.read(path).catch(() => undefined)
      if (task !== undefined && fits(task)) return task
      if (task !== undefined && task.lsn !== last?.lsn) deadlineMs = performance.now() + WAIT_MS
      last = task ?? last
      if (performance.now() > deadlineMs) throw new Error(`the task is not as expected: ${JSON.stringify(last)}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /**
   * Runs a template saga in each round, with the kills that `arm` prepares for it, and expects the whole plan or nothing of it.
   * Returns the number of kills, and prints what came of them.
   */
  async rounds(
    rounds: number,
    input: { readonly fails: boolean; readonly files?: number },
    arm: () => { readonly kills: number; whenOver(): Promise<void> },
  ): Promise<number> {
    const { fails, files = 8 } = input
    let kills = 0
    let attempts = 0
    for (let round = 0; round < rounds; round++) {
      // Sagas of one scene that fail and that succeed are of different names.
      const prefix = `${fails ? 'f' : 'p'}${round}`
      const killer = arm()
      const path = await this.begin('template', this.inputOf(prefix, input))
      const task = await this.until(path, isEnded)
      await killer.whenOver()
      kills += killer.kills
      attempts += task.steps.reduce((sum, { attempt }) => sum + attempt, 0)
      expect(task).toMatchObject(fails ? { state: 'compensated', kept: [] } : { state: 'done' })
      await this.expectPlan(prefix, !fails, files)
      const charges = this.#charges()
      const refunds = charges.reduce((sum, charge) => sum + charge.refunds, 0)
      console.log(
        `${kills} kills, ${round + 1} sagas that ${fails ? 'were taken back' : 'succeeded'}: ${attempts} attempts of steps, ` +
          `${charges.length} charges, ${refunds} refunds, none lost, doubled or stuck`,
      )
    }
    return kills
  }

  /** Expects the whole plan, with one charge; otherwise nothing of it, and each charge refunded once. */
  async expectPlan(prefix: string, isWhole: boolean, files = 8): Promise<void> {
    const { charges, ...traces } = await this.traces(prefix)
    expect(charges.length).toBeLessThanOrEqual(1)
    if (isWhole) {
      expect(traces).toEqual({ blocks: ['board.', 'a.', 'b.'], hasEdge: true, files })
      expect(charges).toEqual([{ amount: 5, refunds: 0 }])
    } else {
      expect(traces).toEqual({ blocks: [undefined, undefined, undefined], hasEdge: false, files: 0 })
      for (const { refunds } of charges) expect(refunds).toBe(1)
    }
  }

  /** Everything that a template leaves behind: in the document, in the directory and in the ledger. */
  async traces(prefix: string) {
    const content = async (name: string) => (await this.call('GET', `${HOME}/blocks/${prefix}-${name}`)).json.content
    const directory = join(this.directory, prefix)
    return {
      blocks: [await content('board'), await content('a'), await content('b')],
      hasEdge: (await this.call('GET', `${HOME}/edges/${prefix}-a-b`)).status === 200,
      files: (await this.#trail?.files(prefix)) ?? (existsSync(directory) ? readdirSync(directory).length : 0),
      charges: this.#charges(prefix),
    }
  }

  #charges(prefix?: string): ReturnType<Trail['charges']> {
    if (this.#trail !== undefined) return this.#trail.charges(prefix)
    return this.outside.charges(prefix).map(({ amount, refunds }) => ({ amount, refunds: refunds.length }))
  }

  async [Symbol.asyncDispose]() {
    this.#isOver = true
    await Promise.all([...this.#kept].map(({ child }) => child.end('SIGKILL')))
    await this.proxy[Symbol.asyncDispose]()
    await this.outside[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await this.#directory[Symbol.asyncDispose]()
  }
}
