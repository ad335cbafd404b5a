import { fileURLToPath } from 'node:url'
import type { Durability } from '@joinery/log'
import { type Child, type ChildOptions, startReadyChild } from './child-process.ts'
import { freePort } from './free-port.ts'
import { IS_THROUGH_GATEWAY, startThroughGateway } from './gateway-process.ts'

const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))
/** The line that says that the server takes connections. */
const LISTENING = /listening.*:\d+\b/

export interface JoineryOptions {
  readonly directory: string
  /** `replicated` is for a node of a cluster. */
  readonly durability?: Durability | 'replicated'
  /** By default a free one, which another server can take later. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
  /** Options of Node itself, such as the size of the heap. */
  readonly nodeArgs?: readonly string[]
}

/** The real server in a process of its own. */
export interface JoineryProcess extends AsyncDisposable {
  readonly child: Child
  readonly port: number
  readonly url: string
}

/** The command line of `joinery serve`, for tests that expect it to fail. It has none of this process's own settings. */
export function joineryCommand({ directory, durability, port = 0, env, nodeArgs = [] }: JoineryOptions): ChildOptions {
  return {
    args: [
      ...nodeArgs,
      MAIN,
      'serve',
      '--port',
      String(port),
      '--data',
      directory,
      '--durability',
      durability ?? 'async',
    ],
    env: {
      JOINERY_JWT_SECRET: undefined,
      JOINERY_JWKS: undefined,
      JOINERY_HOST: undefined,
      JOINERY_LOG_LEVEL: 'warn',
      ...env,
    },
  }
}

/** Starts the server; resolves when it serves. Going out of scope kills it. */
export function startJoinery(options: JoineryOptions): Promise<JoineryProcess> {
  return IS_THROUGH_GATEWAY ? startThroughGateway(options, startOne) : startOne(options)
}

async function startOne(options: JoineryOptions): Promise<JoineryProcess> {
  const port = options.port ?? (await freePort())
  const child = await startReadyChild(joineryCommand({ ...options, port }), LISTENING)
  return {
    child,
    port,
    url: `ws://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await child.end('SIGKILL')
    },
  }
}
