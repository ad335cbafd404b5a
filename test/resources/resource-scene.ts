import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Stripe from 'stripe'
import { expect } from 'vitest'
import { type Answer, HttpCaller } from '../api/http-caller.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { Ledger, type LedgerEvent } from './ledger.ts'

const LEASE_MS = 1_500
/** The secret by which the ledger signs its events. */
export const HOOK_SECRET = 'whsec_of_the_ledger'

export interface SceneOptions {
  /** The file of resources, once the ledger's address is known. */
  readonly resources: (ledger: Ledger) => object
  readonly env?: Readonly<Record<string, string>>
  readonly durability?: 'async' | 'sync'
}

/** A real server with resources, whose worker speaks to a ledger with Stripe's own library. */
export class ResourceScene implements AsyncDisposable {
  readonly ledger: Ledger
  readonly directory: string
  readonly home = '/v1/workspaces/shop'
  server: JoineryProcess
  readonly #options: SceneOptions
  readonly #directory: AsyncDisposable

  private constructor(
    options: SceneOptions,
    ledger: Ledger,
    directory: AsyncDisposable & { path: string },
    server: JoineryProcess,
  ) {
    this.#options = options
    this.ledger = ledger
    this.#directory = directory
    this.directory = directory.path
    this.server = server
  }

  static async start(options: SceneOptions): Promise<ResourceScene> {
    const directory = await tempDirectory()
    const ledger = await Ledger.start()
    await writeFile(join(directory.path, 'resources.json'), JSON.stringify(options.resources(ledger)))
    const server = await startJoinery(optionsOf(options, directory.path))
    const scene = new ResourceScene(options, ledger, directory, server)
    await scene.call('PUT', `${scene.home}/blocks/order`, { type: 'order' })
    return scene
  }

  /** Kills the server, and with it its worker, and starts it again on its port. */
  async killServer(): Promise<void> {
    const { port } = this.server
    await this.server.child.end('SIGKILL')
    this.server = await startJoinery({ ...optionsOf(this.#options, this.directory), port })
  }

  async call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    using caller = new HttpCaller(`http://127.0.0.1:${this.server.port}`)
    return await caller.call(method, path, body, headers)
  }

  /** Starts a run of a resource, as a person does. */
  async run(
    name: string,
    detail: object,
    { machine = 'payment@1', runId }: { machine?: string; runId?: string } = {},
  ): Promise<void> {
    const body = { detail, ...(runId !== undefined && { runId }) }
    const { status, json } = await this.call('POST', this.#pathOf(machine, name, '/runs'), body, {
      'x-joinery-actor': 'Ada',
    })
    expect([200, 201], JSON.stringify(json)).toContain(status)
  }

  async entry(name: string, machine = 'payment@1'): Promise<Record<string, unknown> | undefined> {
    const { json } = await this.call('GET', this.#pathOf(machine, name, ''))
    return (json as { entry?: Record<string, unknown> }).entry
  }

  /** Waits until a resource shows a status. */
  async shows(name: string, expected: object, machine = 'payment@1'): Promise<Record<string, unknown>> {
    await expect
      .poll(() => this.entry(name, machine), { message: `${name} shows ${JSON.stringify(expected)}` })
      .toMatchObject(expected)
    return (await this.entry(name, machine)) ?? {}
  }

  /** Sends an event to the server, signed by Stripe's own library as now, and again while the server asks to wait. */
  async send(event: LedgerEvent | string, header?: string): Promise<Answer> {
    const payload = typeof event === 'string' ? event : JSON.stringify(event)
    const signature = header ?? Stripe.webhooks.generateTestHeaderString({ payload, secret: HOOK_SECRET })
    for (;;) {
      const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
      const answer = await this.call('POST', '/v1/hooks/stripe', payload, headers)
      if (answer.status !== 429) return answer
    }
  }

  /** Ids of the processes of the adapters' worker. */
  async workers(): Promise<number[]> {
    const { readdir, readFile } = await import('node:fs/promises')
    const found: number[] = []
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const [line, status] = await Promise.all([
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
      ])
      const isOurs = /^PPid:\s+(\d+)$/m.exec(status)?.[1] === String(this.server.child.pid)
      if (isOurs && line.includes('\0work\0')) found.push(Number(pid))
    }
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.ledger[Symbol.asyncDispose]()
    await this.#directory[Symbol.asyncDispose]()
  }

  #pathOf(machine: string, name: string, rest: string): string {
    return `${this.home}/blocks/order/statuses/${machine}/${name}${rest}`
  }
}

function optionsOf({ env, durability }: SceneOptions, directory: string) {
  return {
    directory: join(directory, 'data'),
    ...(durability && { durability }),
    env: {
      JOINERY_RESOURCES: join(directory, 'resources.json'),
      JOINERY_LIMITS: `tasks.leaseMs=${LEASE_MS}`,
      JOINERY_SECRET_STRIPE_TEST: 'sk_test_of_the_ledger',
      JOINERY_SECRET_STRIPE_HOOK: HOOK_SECRET,
      ...env,
    },
  }
}

/** The configuration of payments at the ledger. */
export function stripeAt(ledger: Ledger, more: object = {}): object {
  const adapter = {
    kind: 'stripe',
    secret: 'stripe_test',
    currencies: ['eur'],
    amountMax: 10_000,
    url: ledger.url,
    ...more,
  }
  const hooks = { stripe: { scheme: 'stripe', secrets: ['stripe_hook'], machine: 'payment@1' } }
  return { adapters: { 'payment@1': adapter }, hooks }
}
