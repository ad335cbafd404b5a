import { fileURLToPath } from 'node:url'
import type { ApiLimits } from '@joinery/api'
import type { Durability } from '@joinery/log'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import type { WrongClock } from '../support/wrong-clock.ts'

const MAIN = fileURLToPath(new URL('api-server.ts', import.meta.url))

export interface ApiServerConfig {
  readonly directory: string
  /** By default a free port. */
  readonly port?: number
  readonly durability?: Durability
  readonly limits?: Partial<ApiLimits>
  /** Key of its tokens. Without it the server is in development mode. */
  readonly secret?: string
  /** Its time of day; the machine's by default. */
  readonly clock?: WrongClock
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
  const { clock, ...rest } = config
  const args = [MAIN, JSON.stringify({ ...rest, port })]
  const child = await startReadyChild({ args, ...(clock && { env: clock.env }) }, /listening/)
  return {
    child,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await child.end('SIGKILL')
    },
  }
}
