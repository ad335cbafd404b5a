import { statfs } from 'node:fs/promises'
import type { EventStore } from '@joinery/log'
import type { Server } from '@joinery/server'
import type { ServeConfig } from './serve-config.mts'

/** What `/readyz` answers with: whether traffic should come here. */
export interface Readiness {
  readonly status: 'ready' | 'not_ready'
  /** Why not, one line each. */
  readonly reasons: readonly string[]
  readonly storage: 'open' | 'failed' | 'closed'
  /** Where the log is kept; undefined when nothing is. */
  readonly disk: { readonly freeBytes: number; readonly freeBytesMin: number } | undefined
  /** Damaged workspaces that are open for reading: the others are served as ever, so they are counted and no reason. */
  readonly quarantined: number
}

/** Looks at storage and at the room that is left for it. */
export async function readReadiness(
  { dataDirectory, durability, diskFreeBytesMin }: ServeConfig,
  server: Server,
  store: EventStore,
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
      reasons.push(`disk: ${disk.freeBytes} bytes are free, ${disk.freeBytesMin} have to be (--disk-free)`)
    }
  }
  const status = reasons.length === 0 ? 'ready' : 'not_ready'
  return { status, reasons, storage: state, disk, quarantined: server.load().quarantined }
}
