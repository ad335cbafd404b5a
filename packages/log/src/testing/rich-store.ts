import type { EventStore } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { exportArchive } from '../operations/export-archive.ts'
import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from './sample-entry.ts'
import { sampleUpdate } from './sample-update.ts'

/** A stream of `bytes`, in pieces whose ends match no structure. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 1_009) yield bytes.subarray(start, start + 1_009)
}

export async function archiveOf(store: EventStore, workspaces?: readonly string[]): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of exportArchive(store, { ...(workspaces && { workspaces }) })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A store of two workspaces with snapshots and keys, a deleted one, one without a record, and one half purged. */
export async function makeRichStore(directory: string): Promise<EventStore> {
  const store = await openLevelStore({ directory, durability: 'async' })
  for (const [name, records] of [
    ['a', 40],
    ['b', 25],
    ['gone', 3],
  ] as const) {
    const log = await store.open(name)
    for (let n = 1; n <= records; n++) {
      const key = n % 5 === 0 ? { idempotencyKey: `key ${n} 🪚` } : {}
      await log.append(sampleEntry(n, { update: sampleUpdate(name, n), ...key })).durable
      if (n % 10 === 0) {
        const state = Buffer.from(`state of ${name} at ${n} `.repeat(50))
        await log.snapshot({ lsn: n as Lsn, state, annex: Buffer.from(`annex ${n}`) })
      }
    }
    await log.close()
  }
  const empty = await store.open('empty')
  await empty.create()
  await empty.close()
  await store.tombstone('gone')
  return store
}
