import { fileURLToPath } from 'node:url'
import type { ApiLimits } from '@joinery/api'
import type { Durability } from '@joinery/log'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'

const MAIN = fileURLToPath(new URL('api-server.ts', import.meta.url))

export interface ApiServerConfig {
  readonly directory: string
  /** By default a free port. */
  readonly port?: number
  readonly durability?: Durability
  readonly limits?: Partial<ApiLimits>
  /** Key of its tokens. Without it the server is in development mode. */
  readonly secret?: string
  /** Ms by which its time of day is ahead; negative behind. */
  readonly clockAheadMs?: number
}

/** A server with the HTTP face in a process of its own. Going out of scope kills it. */
export interface ApiProcess extends AsyncDisposable {
  readonly child: Child
  readonly port: number
  /** `http://host:port` */
  readonly url: string
}

export async function startApiServer(config: ApiServerConfig): Promise<ApiProcess> {
  const port = config.port ?? (await freePort())
  const child = await startReadyChild({ args: [MAIN, JSON.stringify({ ...config, port })] }, /listening/)
  return {
    child,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await child.end('SIGKILL')
    },
  }
}
