import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { checkTable } from '../leveldb/table.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { recordKey } from '../records/key.ts'
import { openLevelStore } from '../store/level-store.ts'
import {
  damagedStore as damageStore,
  entriesOf,
  expectGoesOn,
  type Level,
  lsns,
  NOTE,
  open,
  spoil,
} from '../testing/damaged-scene.ts'
import { readAll } from '../testing/read-all.ts'
import { once } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { exportIntact } from './export-intact.ts'
import { importArchive } from './import-archive.ts'
import { repairWorkspace } from './repair-workspace.ts'
import { isIntact, verifyDirectory } from './verify-directory.ts'

const makeDirectory = testDirectories()
const refusal = (code: LogError['code']) => expect.objectContaining({ name: 'LogError', code })

async function damagedStore(
  damage: (level: Level) => Promise<void>,
): Promise<{ directory: string; generation: string }> {
  const directory = await makeDirectory()
  return { directory, ...(await damageStore(directory, damage)) }
}

/** Where the block of a table begins that a byte is in. */
function blockAround(table: Buffer, at: number): number {
  const flipped = Buffer.from(table)
  flipped[at] = (flipped[at] ?? 0) ^ 1
  return checkTable(flipped)[0]?.offset ?? 0
}

describe('exporting what is intact', () => {
  const archiveOfIntact = (store: EventStore, workspace: string) =>
    Array.fromAsync(exportIntact(store, workspace, { note: NOTE })).then((chunks) => Buffer.concat(chunks))

  it('[L97] gives an archive of what a repair would keep, that imports elsewhere, and changes nothing', async () => {
    const damages: [damage: (level: Level) => Promise<void>, firstLsn: number, head: number][] = [
      [(level) => spoil(level, recordKey(0, 47 as Lsn)), 1, 47],
      [(level) => spoil(level, recordKey(0, 7 as Lsn)), 11, 51],
    ]
    for (const [damage, firstLsn, head] of damages) {
      const { directory, generation } = await damagedStore(damage)
      const store = await open(directory)
      const before = await entriesOf(store, 'a', 0)
      const archive = await archiveOfIntact(store, 'a')
      expect(await entriesOf(store, 'a', 0)).toEqual(before)
      await store.close()
      const elsewhere = await makeDirectory()
      const other = await open(elsewhere)
      const { workspaces } = await importArchive(other, () => once(archive))
      expect(workspaces).toEqual([{ workspace: 'a', head, records: head - firstLsn + 1 }])
      const log = await other.open('a')
      expect(log.generation === generation).toBe(head > 50)
      expect(await log.lsnOfKey('key 5 🪚')).toBe(5)
      await log.close()
      await expectGoesOn(other, elsewhere, firstLsn, head)
    }
  })

  it('[L97] gives all of what is not damaged', async () => {
    const { directory } = await damagedStore(async () => undefined)
    const store = await open(directory)
    const archive = await archiveOfIntact(store, 'b')
    const other = await open(await makeDirectory())
    await importArchive(other, () => once(archive))
    const [here, there] = await Promise.all([store.open('b'), other.open('b')])
    expect([there.head, there.generation]).toEqual([25, here.generation])
    await Promise.all([store.close(), other.close()])
  })

  it('[L96, L97, L38] works, and nothing is repaired, where a block of a table can’t be read', async () => {
    const directory = await makeDirectory()
    const making = await openLevelStore({ directory, durability: 'async' })
    const log = await making.open('a')
    for (let n = 1; n <= 600; n++) {
      await log.append(sampleEntry(n, { update: Buffer.from(`record ${n} `.repeat(40)) })).durable
    }
    await making.close()
    await (await open(directory)).close()
    const [table = ''] = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
    const bytes = await readFile(join(directory, table))
    // The length of a block before it was packed, which is what it begins with.
    const at = blockAround(bytes, Math.floor(bytes.byteLength * 0.6))
    bytes[at] = (bytes[at] ?? 0) ^ 0x7f
    await writeFile(join(directory, table), bytes)
    const store = await open(directory)
    const left = await store.openDamaged('a')
    expect(left.head).toBeGreaterThan(250)
    expect((await readAll(left)).map(({ lsn }) => lsn)).toEqual(lsns(1, left.head))
    await left.close()
    await expect(repairWorkspace(store, 'a', { directory, note: NOTE })).rejects.toEqual(refusal('corrupted'))
    expect(store.state).toEqual({ state: 'open' })
    const archive = await archiveOfIntact(store, 'a')
    await store.close()
    const elsewhere = await makeDirectory()
    const other = await open(elsewhere)
    await importArchive(other, () => once(archive))
    expect((await other.open('a')).head).toBe(left.head + 1)
    await other.close()
    expect(isIntact(await verifyDirectory(elsewhere))).toBe(true)
  })
})
