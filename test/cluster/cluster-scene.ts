import { fileURLToPath } from 'node:url'
import { NatsServer, natsServerPath } from '@joinery/cluster/testing'
import type { TestContext } from 'vitest'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { joinery, type Ran } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { skipForWant } from '../support/skip-for-want.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'

const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))
/** The line that says that the server takes connections. */
const LISTENING = /listening.*:\d+\b/

export interface RunningNode {
  readonly child: Child
  readonly name: string
  readonly port: number
  readonly directory: string
  /** `http://host:port` */
  readonly url: string
  /** `ws://host:port` */
  readonly socketUrl: string
}

/** One NATS server and nodes of a cluster on it, each a process of its own. */
export class ClusterScene implements AsyncDisposable {
  readonly #nats: NatsServer
  readonly #home: TempDirectory
  readonly #nodes = new Set<RunningNode>()

  private constructor(nats: NatsServer, home: TempDirectory) {
    this.#nats = nats
    this.#home = home
  }

  /** Skips the test, and says so, where there is no NATS server. */
  static async start(context: TestContext): Promise<ClusterScene> {
    const path = await natsServerPath()
    if (path === undefined) return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
    return new ClusterScene(await NatsServer.start(path), await tempDirectory())
  }

  get natsUrl(): string {
    return this.#nats.url
  }

  /** Arguments of `joinery serve` for a node. */
  args(name: string, port: number, more: readonly string[] = []): string[] {
    const address = `127.0.0.1:${port}`
    const cluster = ['--cluster', this.natsUrl, '--node', name, '--advertise', address]
    return ['serve', '--port', String(port), '--data', `${this.#home.path}/${name}`, ...cluster, ...more]
  }

  async node(name: string, { more = [], env = {} }: { more?: string[]; env?: Record<string, string> } = {}) {
    const port = await freePort()
    const child = await startReadyChild(
      {
        args: [MAIN, ...this.args(name, port, more)],
        env: {
          ...{ JOINERY_JWT_SECRET: undefined, JOINERY_JWKS: undefined, JOINERY_HOST: undefined },
          ...{ JOINERY_CLUSTER: undefined, JOINERY_LOG_LEVEL: 'info', ...env },
        },
      },
      LISTENING,
    )
    const url = `http://127.0.0.1:${port}`
    const directory = `${this.#home.path}/${name}`
    const node: RunningNode = { child, name, port, directory, url, socketUrl: url.replace('http', 'ws') }
    this.#nodes.add(node)
    return node
  }

  /** Runs `joinery cluster` with these words. */
  async command(...words: string[]): Promise<Ran> {
    return await joinery('cluster', ...words, '--cluster', this.natsUrl)
  }

  /** Ends the NATS server for good. */
  stopEngine(): Promise<void> {
    return this.#nats.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#nodes) await child.end('SIGKILL')
    await this.#nats.stop()
    await this.#home[Symbol.asyncDispose]()
  }
}
