import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TaskView } from '@joinery/protocol'
import { expect } from 'vitest'
import { type Child, startReadyChild } from '../../support/child-process.ts'
import { within } from '../../support/until.ts'
import type { Charge } from '../../tasks/outside.ts'
import type { HistoryWatch } from '../history-watch.ts'
import { blockOf, type OrderInput } from './order-saga.ts'

const WORKER = fileURLToPath(new URL('order-worker.ts', import.meta.url))
const LEDGER = fileURLToPath(new URL('ledger-program.ts', import.meta.url))
/** A lease ends soon after its worker was killed. */
const LEASE_MS = 1_500
export const WORKERS = [0, 1] as const
const PAUSE_MS = 250
const ANSWER_MS = 2_000
/** Each order of so many fails at its last step, and is taken back. */
const FAILS_EVERY = 3
const ENDED: readonly TaskView['state'][] = ['done', 'failed', 'compensated', 'compensated_partly', 'canceled']

/** Environment of nodes whose tasks these are. */
export const ORDERS_ENV = { JOINERY_LIMITS: `tasks.leaseMs=${LEASE_MS}` }

interface Order extends OrderInput {
  readonly workspace: string
  /** Where its task is read. */
  readonly location: string
}

/**
 * People who order, workers that carry the orders out in steps, and a ledger that the steps charge: processes of their own beside
 * the nodes. Each worker takes work from every node.
 */
export class Orders {
  readonly #url: string
  readonly #nodes: readonly string[]
  readonly #workspaces: readonly string[]
  readonly #ledger: Child
  readonly #ledgerUrl: string
  readonly #workers: Child[] = []
  readonly #begun: Order[] = []
  #ordering: Promise<void> = Promise.resolve()
  #isOrdering = false

  private constructor(urls: { front: string; nodes: readonly string[] }, workspaces: readonly string[], ledger: Child) {
    this.#url = urls.front
    this.#nodes = urls.nodes
    this.#workspaces = workspaces
    this.#ledger = ledger
    this.#ledgerUrl = /ledger (\S+)/.exec(ledger.stdout())?.[1] ?? ''
  }

  /** `front` is the address of the nodes' balancer, `nodes` those of each node. */
  static async start(
    urls: { front: string; nodes: readonly string[] },
    workspaces: readonly string[],
  ): Promise<Orders> {
    const orders = new Orders(urls, workspaces, await startReadyChild({ args: [LEDGER] }, /ledger \S+\n/))
    await Promise.all(WORKERS.map((worker) => orders.startWorker(worker)))
    return orders
  }

  async startWorker(worker: number): Promise<void> {
    const args = [WORKER, String(LEASE_MS), ...this.#nodes]
    this.#workers[worker] = await startReadyChild({ args, env: { JOINERY_TOKEN: undefined } }, /works/)
  }

  async killWorker(worker: number): Promise<void> {
    await this.#workers[worker]?.end('SIGKILL')
  }

  signalWorker(worker: number, signal: NodeJS.Signals): void {
    const pid = this.#workers[worker]?.pid
    if (pid !== undefined) process.kill(pid, signal)
  }

  /** Begins one order after the other, until {@link stopOrdering}. */
  startOrdering(): void {
    if (this.#isOrdering) return
    this.#isOrdering = true
    this.#ordering = this.#orderOn()
    // `stopOrdering` tells the failure.
    this.#ordering.catch(() => undefined)
  }

  async stopOrdering(): Promise<void> {
    this.#isOrdering = false
    await within('the last order is taken', this.#ordering)
  }

  /** Resolves with the number of orders when all have ended. Fails unless each left all of its effects, once, or none of them. */
  async settle(watch: Pick<HistoryWatch, 'contentOf'>, look: () => Promise<void>) {
    for (const order of this.#begun) {
      const task = await within(`the order ${order.reference} ends`, this.#untilEnded(order))
      expect(task.state, JSON.stringify(task)).toBe(order.fails ? 'compensated' : 'done')
    }
    await look()
    const answer = await fetch(`${this.#ledgerUrl}/charges`)
    const charges = Map.groupBy((await answer.json()) as Charge[], ({ reference }) => reference)
    for (const { reference, fails, workspace } of this.#begun) {
      const refunds = charges.get(reference)?.map((charge) => charge.refunds.length)
      expect(refunds, `charges of ${reference}, and how often each was refunded`).toEqual([fails ? 1 : 0])
      expect(watch.contentOf(workspace, blockOf(reference)), `block of ${reference}`).toBe(
        fails ? undefined : reference,
      )
      charges.delete(reference)
    }
    expect([...charges.keys()], 'charges that nobody has ordered').toEqual([])
    return this.#begun.length
  }

  async stop(): Promise<void> {
    this.#isOrdering = false
    await Promise.all([...this.#workers, this.#ledger].map((child) => child.end('SIGKILL')))
  }

  async #orderOn(): Promise<void> {
    for (let number = 0; this.#isOrdering; number++) {
      const workspace = this.#workspaces[number % this.#workspaces.length] ?? ''
      const input = { reference: `r${number}`, ledger: this.#ledgerUrl, fails: number % FAILS_EVERY === 1 }
      this.#begun.push({ ...input, workspace, location: await this.#begin(workspace, input) })
      await delay(PAUSE_MS)
    }
  }

  /** Starts a task under its key, again and again until it is answered. Resolves with the task's path. */
  async #begin(workspace: string, input: OrderInput): Promise<string> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': input.reference }
    const body = JSON.stringify({ saga: 'order', input })
    for (;;) {
      const answer = await this.#ask(`/v1/workspaces/${workspace}/tasks`, { method: 'POST', headers, body })
      if (answer?.status === 202) return answer.location
      // No worker has told the owner its sagas yet.
      const isEarly = answer?.text.includes('"unknown_saga"') === true
      if (answer !== undefined && answer.status < 500 && !isEarly) throw new Error(`${answer.status} ${answer.text}`)
      await delay(PAUSE_MS)
    }
  }

  async #untilEnded({ location }: Order): Promise<TaskView> {
    for (;;) {
      const answer = await this.#ask(location, {})
      const { task } = answer?.status === 200 ? (JSON.parse(answer.text) as { task: TaskView }) : {}
      if (task !== undefined && ENDED.includes(task.state)) return task
      if (task?.state === 'needs_attention') throw new Error(JSON.stringify(task))
      await delay(PAUSE_MS)
    }
  }

  /** Undefined if nobody answered. */
  async #ask(path: string, init: RequestInit) {
    try {
      const response = await fetch(`${this.#url}${path}`, { ...init, signal: AbortSignal.timeout(ANSWER_MS) })
      const { status, headers } = response
      return { status, text: await response.text(), location: headers.get('location') ?? '' }
    } catch {
      return undefined
    }
  }
}
