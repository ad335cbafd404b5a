import { statfs } from 'node:fs/promises'
import type { EventStore } from '@joinery/log'
import type { Server } from '@joinery/server'
import type { TaskEngine } from '@joinery/tasks'
import type { ServeConfig } from './serve-config.mts'

/** Body of an answer of `/readyz`: whether a load balancer should send traffic to this server. */
export interface Readiness {
  readonly status: 'ready' | 'not_ready'
  /** Reasons for which it is not ready, one line each. */
  readonly reasons: readonly string[]
  readonly storage: 'open' | 'failed' | 'closed'
  /** Disk of the data directory; undefined at durability `memory`. */
  readonly disk: { readonly freeBytes: number; readonly freeBytesMin: number } | undefined
  /** Number of open workspaces that are damaged. They are no reason: all other workspaces are served as usual. */
  readonly quarantined: number
  /** Tasks that are open, and journals of tasks that can't be read. They are no reason either. */
  readonly tasks: TaskEngine['extent']
}

/** Looks at the state of storage and at the free space on its disk. */
export async function readReadiness(
  { dataDirectory, durability, diskFreeBytesMin }: ServeConfig,
  server: Server,
  store: EventStore,
  tasks: Pick<TaskEngine, 'extent'>,
): Promise<Readiness> {
  const { state } = store.state
  const reasons: string[] = []
  if (store.state.state === 'failed') reasons.push(`storage: ${store.state.error.message}`)
  if (store.state.state === 'closed') reasons.push('storage: closed')
  let disk: Readiness['disk']
  if (durability !== 'memory') {
    const { bavail, bsize } = await statfs(dataDirectory)
    disk = { freeBytes: bavail * bsize, freeBytesMin: diskFreeBytesMin }
    if (disk.freeBytes < disk.freeBytesMin) {
      reasons.push(`disk: ${disk.freeBytes} bytes are free, at least ${disk.freeBytesMin} must be (--disk-free)`)
    }
  }
  const status = reasons.length === 0 ? 'ready' : 'not_ready'
  return { status, reasons, storage: state, disk, quarantined: server.load().quarantined, tasks: tasks.extent }
}
