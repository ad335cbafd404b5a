import { createHash } from 'node:crypto'
import { type Engine, openNatsEngine } from '@joinery/cluster'
import { historiesOf, readHistory } from '@joinery/cluster/testing'
import { encodePortableRecord, type LogRecord, openLevelStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { expect } from 'vitest'
import * as Y from 'yjs'
import { type NatsCluster, SERVERS } from './nats-cluster.ts'

/** Watches the replicated histories: each LSN has one content for ever, and epochs never fall. */
export class HistoryWatch {
  readonly #engine: Engine
  /** Digest of each record that was ever seen, by workspace and LSN - 1. */
  readonly #seen = new Map<string, string[]>()
  readonly #epochs = new Map<string, number>()
  /** Workspaces whose history has records that stand on others which it does not have. */
  readonly incomplete = new Set<string>()

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Reaches NATS past the proxies. */
  static async open(nats: NatsCluster): Promise<HistoryWatch> {
    const servers = SERVERS.map((server) => `nats://127.0.0.1:${nats.portOf(server)}`)
    return new HistoryWatch(await openNatsEngine({ servers, name: 'watch' }))
  }

  get engine(): Engine {
    return this.#engine
  }

  /** Reads all histories, compares them with what was seen before, and returns the entries of each workspace. */
  async look(): Promise<Map<string, readonly string[]>> {
    const entries = new Map<string, readonly string[]>()
    for (const workspace of await historiesOf(this.#engine.log)) {
      const { epoch, records } = await readHistory(this.#engine.log, workspace)
      this.#compare(workspace, records, 'the history')
      expect(epoch, `epoch of ${workspace}`).toBeGreaterThanOrEqual(this.#epochs.get(workspace) ?? 0)
      this.#epochs.set(workspace, epoch)
      const { isWhole, entries: found } = entriesOf(records)
      entries.set(workspace, found)
      if (!isWhole) this.incomplete.add(workspace)
      else this.incomplete.delete(workspace)
    }
    return entries
  }

  /** Compares the log in a stopped node's directory. Returns the number of its records. */
  async compareNode(directory: string): Promise<number> {
    const store = await openLevelStore({ directory, durability: 'sync' })
    let count = 0
    try {
      for (const workspace of this.#seen.keys()) {
        const log = await store.open(workspace as WorkspaceId)
        const records: LogRecord[] = []
        for await (const record of log.read()) records.push(record)
        await log.close()
        this.#compare(workspace, records, directory, true)
        count += records.length
      }
    } finally {
      await store.close()
    }
    return count
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  #compare(workspace: string, records: readonly LogRecord[], where: string, mayEnd = false): void {
    const seen = this.#seen.get(workspace) ?? []
    const digests = records.map(digestOf)
    const shared = Math.min(seen.length, digests.length)
    for (let index = 0; index < shared; index++) {
      if (seen[index] !== digests[index])
        throw new Error(`${where}: record ${index + 1} of ${workspace} is another one`)
    }
    if (digests.length < seen.length && !mayEnd) {
      throw new Error(`${where}: ${workspace} had ${seen.length} records and has ${digests.length}`)
    }
    if (!mayEnd) this.#seen.set(workspace, digests)
  }
}

function digestOf(record: LogRecord): string {
  return createHash('sha256').update(encodePortableRecord(record)).digest('base64')
}

/** `isWhole` is false if a record stands on another one that the history does not have. */
function entriesOf(records: readonly LogRecord[]): { entries: string[]; isWhole: boolean } {
  const doc = new Y.Doc()
  for (const { update } of records) Y.applyUpdate(doc, update)
  const isWhole = doc.store.pendingStructs === null && doc.store.pendingDs === null
  return { entries: doc.getArray<string>('entries').toArray(), isWhole }
}
