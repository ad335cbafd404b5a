import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from './sample-entry.ts'

/** The updates of each workspace, as text. */
type Contents = Record<string, string[]>

/** Makes a store of several workspaces whose records take turns, and closes it. Returns its content. */
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
    // Half of the workspaces stop before the others: only these can lose their end without a gap.
    const log = logs[n % (n < records / 2 ? logs.length : Math.ceil(logs.length / 2))]
    if (log === undefined) throw new Error('no log')
    const { durable } = log.append(sampleEntry(n))
    if (n % perGroup === perGroup - 1) await durable
    contents[log.workspace] = [...(contents[log.workspace] ?? []), `update ${n}`]
  }
  await store.close()
  return { directory, contents }
}
