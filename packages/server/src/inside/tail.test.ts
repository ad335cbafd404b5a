import type { LogRecord, Lsn } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { createServer, type Server } from '../edge/server.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { describeTail, type TailScene } from '../testing/tail-contract.ts'
import type { Tails } from './tail.ts'

/** A server on a store whose gates the scene holds. */
class ServerScene implements TailScene {
  readonly #store = new GatedStore()
  readonly #server: Server = createServer({ store: this.#store })

  get tails(): Tails {
    return this.#server.workspaces
  }

  async append(workspace: WorkspaceId): Promise<LogRecord> {
    const edit = { writer: { actor: 'ada', source: 'user_action' }, via: 'test' }
    const { record } = await this.#server.workspaces.write(workspace, {
      ...edit,
      run: (doc) => doc.getArray('a').push(['x']),
    })
    if (record === undefined) throw new Error('the edit left no record')
    return record
  }

  async read(workspace: WorkspaceId): Promise<LogRecord[]> {
    return Array.fromAsync(this.#server.workspaces.records(workspace))
  }

  holdDurability(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#store.durableGate = promise
    return () => {
      this.#store.durableGate = undefined
      resolve()
    }
  }

  async dropHistory(workspace: WorkspaceId): Promise<void> {
    const { workspaces } = this.#server
    const { head } = await workspaces.position(workspace)
    await workspaces.replace(workspace, async () => {
      const log = await this.#store.open(workspace)
      // The snapshot may be empty: nobody builds a document of this workspace any more.
      await log.snapshot({ lsn: (head - 1) as Lsn, state: new Uint8Array([0, 0]) })
      await log.close()
    })
    await workspaces.maintain(workspace, (log) => log.compact({ keepHistory: { events: 1 }, verify: () => undefined }))
  }

  delete(workspace: WorkspaceId): Promise<void> {
    return this.#server.workspaces.delete(workspace)
  }

  async close(): Promise<void> {
    await this.#server.close()
    await this.#store.close()
  }
}

describeTail('a server on a store in memory', async () => new ServerScene())
