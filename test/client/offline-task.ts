import { defineSaga, type RunningWorker, startWorker, step, waitFor } from '@joinery/worker'
import { expect } from 'vitest'

/** A saga that stays open until somebody says `go`, and a worker of it that counts its calls. */
export class PlanWorker implements AsyncDisposable {
  calls = 0
  readonly #worker: RunningWorker
  readonly #tasks: string

  /** Starts a worker. Resolves as soon as the server knows its saga. @param url address of the server, for sockets */
  static async start(url: string): Promise<PlanWorker> {
    const worker = new PlanWorker(url.replace('ws', 'http'))
    await worker.#announced()
    return worker
  }

  private constructor(url: string) {
    const plan = defineSaga({
      name: 'plan',
      version: 1,
      steps: [step('count', { run: () => ++this.calls }), waitFor('go')],
    })
    this.#worker = startWorker({ url, sagas: [plan] })
    this.#tasks = `${url}/v1/workspaces/w/tasks`
  }

  /** The tasks of the workspace w; none while the server is away. */
  async tasks(): Promise<{ id: string; state: string; waiting?: { code: string } }[]> {
    const answer = await fetch(this.#tasks).catch(() => undefined)
    return answer?.ok === true ? ((await answer.json()) as { tasks: [] }).tasks : []
  }

  async #announced(): Promise<void> {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"saga":"plan","version":9}',
    }
    // The refusal of a version names the saga once a worker has announced it.
    await expect.poll(async () => (await fetch(this.#tasks, init)).text()).toContain('known are 1')
  }

  /** Waits until one task waits for `go`, sends it, and waits for the end. Returns all tasks. */
  async finish(): Promise<{ id: string; state: string }[]> {
    await expect.poll(async () => (await this.tasks()).map(({ waiting }) => waiting?.code)).toEqual(['signal'])
    const [task] = await this.tasks()
    const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect((await fetch(`${this.#tasks}/${task?.id}/signals/go`, body)).status).toBe(202)
    await expect.poll(async () => (await this.tasks()).map(({ state }) => state)).toEqual(['done'])
    return this.tasks()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.stop()
  }
}
