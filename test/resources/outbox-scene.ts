import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { HttpCaller } from '../api/http-caller.ts'
import { joinery } from '../support/command.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { WebhookReceiver } from './webhook-receiver.ts'

export const SECRETS = {
  new: `whsec_${Buffer.from('the secret of today, 24 bytes').toString('base64')}`,
  old: `whsec_${Buffer.from('the secret of before, 24').toString('base64')}`,
}

/** Settings of a subscription that make a test quick. */
const QUICK = { workspaces: ['shop*'], secrets: ['hook_new'], coalesceMs: 20, retryMs: [20, 20, 20] }

/** A real server that tells real receivers what changes. */
export class OutboxScene implements AsyncDisposable {
  readonly directory: string
  readonly receivers: readonly WebhookReceiver[]
  server: JoineryProcess
  readonly #directory: AsyncDisposable

  private constructor(
    directory: AsyncDisposable & { path: string },
    receivers: readonly WebhookReceiver[],
    server: JoineryProcess,
  ) {
    this.#directory = directory
    this.directory = directory.path
    this.receivers = receivers
    this.server = server
  }

  /** Starts a server with one receiver for each subscription, `s0`, `s1` and so on. */
  static async start(...subscriptions: readonly object[]): Promise<OutboxScene> {
    const directory = await tempDirectory()
    const receivers = await Promise.all(subscriptions.map((given) => receiverOf(given)))
    const named = subscriptions.map((given, n) => [`s${n}`, { ...QUICK, url: receivers[n]?.url, ...given }])
    await writeFile(
      join(directory.path, 'resources.json'),
      JSON.stringify({ subscriptions: Object.fromEntries(named) }),
    )
    return new OutboxScene(directory, receivers, await serve(directory.path, receivers))
  }

  receiver(n: number): WebhookReceiver {
    const found = this.receivers[n]
    if (found === undefined) throw new Error(`there is no receiver ${n}`)
    return found
  }

  /** Ends the server, and starts it again on its port. */
  async restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { port } = this.server
    await this.server.child.end(signal)
    this.server = await serve(this.directory, this.receivers, port)
  }

  /** Makes a change, as a person does. Resolves with the LSN of its record. */
  async change(workspace: string, method: string, path: string, body: unknown): Promise<number> {
    using caller = new HttpCaller(`http://127.0.0.1:${this.server.port}`)
    const headers = { 'x-joinery-actor': 'Ada' }
    const answer = await caller.call(method, `/v1/workspaces/${workspace}/blocks/${path}`, body, headers)
    expect([200, 201], answer.text).toContain(answer.status)
    return Number(answer.headers['x-joinery-lsn'])
  }

  async call(method: string, path: string, body?: unknown) {
    using caller = new HttpCaller(`http://127.0.0.1:${this.server.port}`)
    return await caller.call(method, path, body)
  }

  async metrics(): Promise<string> {
    return (await this.call('GET', '/metrics')).text
  }

  outgoing(...args: string[]) {
    return joinery('hooks', 'outgoing', ...args, '--data', join(this.directory, 'data'))
  }

  async listed(): Promise<{ endpoints: Record<string, unknown>[]; deliveries: Record<string, unknown>[] }> {
    return JSON.parse((await this.outgoing('list', '--json')).stdout)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    for (const receiver of this.receivers) await receiver[Symbol.asyncDispose]()
    await this.#directory[Symbol.asyncDispose]()
  }
}

function receiverOf(given: { readonly secrets?: readonly string[] }): Promise<WebhookReceiver> {
  const keys = (given.secrets ?? QUICK.secrets).map((name) => (name === 'hook_old' ? SECRETS.old : SECRETS.new))
  return WebhookReceiver.start(() => keys)
}

function serve(directory: string, receivers: readonly WebhookReceiver[], port?: number): Promise<JoineryProcess> {
  return startJoinery({
    directory: join(directory, 'data'),
    ...(port !== undefined && { port }),
    env: {
      JOINERY_RESOURCES: join(directory, 'resources.json'),
      JOINERY_EGRESS_ALLOW: receivers.map(({ url }) => new URL(url).origin).join(','),
      JOINERY_SECRET_HOOK_NEW: SECRETS.new,
      JOINERY_SECRET_HOOK_OLD: SECRETS.old,
    },
  })
}
