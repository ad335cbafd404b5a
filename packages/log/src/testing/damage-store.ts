import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from './sample-entry.ts'

/** The updates of each workspace, as text. */
type Contents = Record<string, string[]>

/** A cleanly closed store of several workspaces, whose records go round and round, and what stands in it. */
export async function makeStore(
  directory: string,
  workspaces: number,
  records: number,
  perGroup = 40,
): Promise<{ directory: string; contents: Contents }> {
  const store = await openLevelStore({ directory, durability: 'async' })
  const contents: Contents = {}
  const logs = await Promise.all(Array.from({ length: workspaces }, (_, n) => store.open(`w${n}`)))
  for (let n = 0; n < records; n++) {
    // Some fall silent before the others: only of these can the end get lost without a gap.
    const log = logs[n % (n < records / 2 ? logs.length : Math.ceil(logs.length / 2))]
    if (log === undefined) throw new Error('no log')
    const { durable } = log.append(sampleEntry(n))
    if (n % perGroup === perGroup - 1) await durable
    contents[log.workspace] = [...(contents[log.workspace] ?? []), `update ${n}`]
  }
  await store.close()
  return { directory, contents }
}
