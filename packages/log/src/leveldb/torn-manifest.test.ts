import { hash } from 'node:crypto'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import type { LogError } from '../log-error.ts'
import type { ManifestCut } from '../observer.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { KIND, kindRange } from '../records/key.ts'
import { levelStoreOf, openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'

const makeDirectory = testDirectories()
const RECORDS = 6
const HEADER_BYTES = 7
const corrupted = expect.objectContaining<Partial<LogError>>({ name: 'LogError', code: 'corrupted' })

/** A store before and after it turned its write-ahead log into a table; `edit` is what its manifest got for that. */
interface Flushed {
  readonly before: string
  readonly after: string
  readonly manifest: string
  readonly whole: Buffer
  readonly edit: Buffer
}

async function flush(): Promise<Flushed> {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'sync' })
  const log = await store.open('w')
  for (let n = 1; n <= RECORDS; n++) await log.append(sampleEntry(n)).durable
  const before = await copyOf(directory)
  await levelStoreOf(store).disk.tidy(kindRange(KIND.record))
  const after = await copyOf(directory)
  await store.close()
  // The table and the next write-ahead log are there before they are noted.
  const files = (await readdir(after)).filter((name) => /\.(ldb|log)$/.test(name))
  for (const name of files) await cp(join(after, name), join(before, name))
  const manifest = (await readFile(join(before, 'CURRENT'), 'utf8')).trim()
  const [whole, longer] = [await readFile(join(before, manifest)), await readFile(join(after, manifest))]
  expect(longer.subarray(0, whole.byteLength)).toEqual(whole)
  const edit = longer.subarray(whole.byteLength)
  expect(edit.byteLength).toBeGreaterThan(40)
  return { before, after, manifest, whole, edit }
}

async function copyOf(directory: string): Promise<string> {
  const copy = await makeDirectory()
  await cp(directory, copy, { recursive: true })
  return copy
}

/** Every file that is data, with a digest of what it holds. */
async function contentOf(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).filter((name) => !/^(LOG|LOG\.old|LOCK)$/.test(name))
  const digests = names.map(async (name) => [name, hash('sha256', await readFile(join(directory, name)))] as const)
  return Object.fromEntries(await Promise.all(digests))
}

async function openedByLevelDb(directory: string): Promise<boolean> {
  const level = new ClassicLevel(await copyOf(directory))
  return level.open({ createIfMissing: false }).then(
    () => level.close().then(() => true),
    () => false,
  )
}

async function recordsIn(directory: string): Promise<{ lsns: number[]; cuts: ManifestCut[] }> {
  const cuts: ManifestCut[] = []
  const observer = { manifestCut: (cut: ManifestCut) => void cuts.push(cut) }
  const store = await openLevelStore({ directory, durability: 'sync', observer })
  const lsns = (await readAll(await store.open('w'))).map(({ lsn }) => lsn)
  await store.close()
  return { lsns, cuts }
}

/** Replaces some bytes of `edit`: by 0, or by noise that is the same each time. */
function spoilt(edit: Buffer, from: number, through: number, isNoise = false): Buffer {
  const other = Buffer.from(edit)
  for (let n = from; n < through; n++) other[n] = isNoise ? (n * 151 + 77) & 0xff : 0
  return other
}

/** Where each piece of a manifest of less than one block begins. */
function piecesOf(bytes: Buffer): number[] {
  const begins: number[] = []
  for (let at = 0; at < bytes.byteLength; at += HEADER_BYTES + bytes.readUInt16LE(at + 4)) begins.push(at)
  return begins
}

const ALL = Array.from({ length: RECORDS }, (_, n) => n + 1)

describe('the end of a manifest that power loss has left', () => {
  it('[L57] is cut back to the last whole edit where LevelDB refuses it, kept aside and told, and nothing is lost', async () => {
    const { before, manifest, whole, edit } = await flush()
    const half = edit.byteLength >> 1
    const ends: [end: Buffer, isOpenedByLevelDb: boolean][] = [
      [edit, true],
      [edit.subarray(0, 3), true],
      [edit.subarray(0, half), true],
      [spoilt(edit, 0, edit.byteLength), true],
      [Buffer.alloc(70_000), true],
      [spoilt(edit, 0, half), true],
      [spoilt(edit, half, edit.byteLength), false],
      [spoilt(edit, half, edit.byteLength, true), false],
      [spoilt(edit, HEADER_BYTES, edit.byteLength, true), false],
      [Buffer.concat([spoilt(edit, half, edit.byteLength), Buffer.alloc(4_096)]), false],
    ]
    for (const [n, [end, isOpened]] of ends.entries()) {
      const directory = await copyOf(before)
      await writeFile(join(directory, manifest), Buffer.concat([whole, end]))
      expect(await openedByLevelDb(directory), `LevelDB opens with end ${n}`).toBe(isOpened)
      const { lsns, cuts } = await recordsIn(directory)
      expect(lsns, `end ${n}`).toEqual(ALL)
      const keptIn = `${manifest}.torn-${whole.byteLength}`
      const cut = { manifest, offset: whole.byteLength, bytes: end.byteLength, keptIn }
      expect(cuts, `end ${n}`).toEqual(isOpened ? [] : [cut])
      if (!isOpened) expect(await readFile(join(directory, keptIn))).toEqual(end)
      expect(isIntact(await verifyDirectory(directory)), `end ${n}`).toBe(true)
    }
  })

  it('[L57] is cut again where that was cut short', async () => {
    const { before, manifest, whole, edit } = await flush()
    const end = spoilt(edit, HEADER_BYTES, edit.byteLength)
    await writeFile(join(before, manifest), Buffer.concat([whole, end]))
    await writeFile(join(before, `${manifest}.torn-${whole.byteLength}.draft`), 'half')
    await writeFile(join(before, `${manifest}.torn-${whole.byteLength}`), end)
    expect((await recordsIn(before)).lsns).toEqual(ALL)
    expect(await readFile(join(before, `${manifest}.torn-${whole.byteLength}`))).toEqual(end)
  })

  it('[L57, L55] is corrupted and stays as it was where what is before asks for a log or a table that is gone', async () => {
    const { after, manifest, whole, edit } = await flush()
    const logless = await copyOf(after)
    await writeFile(join(logless, manifest), Buffer.concat([whole, spoilt(edit, 20, edit.byteLength)]))
    const tableless = await copyOf(after)
    const tables = (await readdir(tableless)).filter((name) => name.endsWith('.ldb'))
    expect(tables.length).toBeGreaterThan(0)
    for (const name of tables) await rm(join(tableless, name))
    await writeFile(join(tableless, manifest), Buffer.concat([whole, edit, spoilt(edit, 20, edit.byteLength)]))
    for (const directory of [logless, tableless]) {
      const content = await contentOf(directory)
      await expect(recordsIn(directory)).rejects.toEqual(corrupted)
      expect(await contentOf(directory)).toEqual(content)
    }
  })

  it('[L57] stays as it was in another program’s database, and where there is no whole edit to go back to', async () => {
    const other = await makeDirectory()
    const level = new ClassicLevel(other)
    await level.put('key', 'value')
    await level.close()
    const named = (await readFile(join(other, 'CURRENT'), 'utf8')).trim()
    const bytes = await readFile(join(other, named))
    await writeFile(join(other, named), Buffer.concat([bytes, bytes.subarray(0, 20), Buffer.alloc(40)]))
    const { before, manifest, whole } = await flush()
    const emptied = await copyOf(before)
    await writeFile(join(emptied, manifest), '')
    // The first edit of a manifest alone says neither which logs nor which numbers are taken.
    await writeFile(join(before, manifest), spoilt(whole, (piecesOf(whole)[1] ?? 0) + HEADER_BYTES, whole.byteLength))
    for (const directory of [other, emptied, before]) {
      const content = await contentOf(directory)
      await expect(openLevelStore({ directory, durability: 'sync' })).rejects.toEqual(corrupted)
      expect(await contentOf(directory)).toEqual(content)
    }
  })

  it('[L58] is corrupted and stays as it was where a whole edit is behind the damage, also where LevelDB would open', async () => {
    const { after, manifest, whole, edit } = await flush()
    const longer = Buffer.concat([whole, edit])
    const at = whole.byteLength
    expect(piecesOf(longer)).toEqual([0, expect.any(Number), at])
    const second = piecesOf(longer)[1] ?? 0
    const damages: [bytes: Buffer, isOpenedByLevelDb: boolean][] = [
      [Buffer.concat([spoilt(longer, at, at + edit.byteLength), edit]), true],
      [Buffer.concat([spoilt(longer, at + HEADER_BYTES, at + edit.byteLength), edit]), false],
      // The length of an edit: where the next one begins is unknown then.
      [spoilt(longer, second + 4, second + 6, true), false],
    ]
    for (const [n, [bytes, isOpened]] of damages.entries()) {
      const directory = await copyOf(after)
      await writeFile(join(directory, manifest), bytes)
      expect(await openedByLevelDb(directory), `LevelDB opens with damage ${n}`).toBe(isOpened)
      const content = await contentOf(directory)
      await expect(recordsIn(directory)).rejects.toEqual(corrupted)
      expect(await contentOf(directory)).toEqual(content)
    }
  })

  it('[L70, L71] is told by a verification, which looks at what the database holds and changes nothing', async () => {
    const { before, manifest, whole, edit } = await flush()
    await writeFile(join(before, manifest), Buffer.concat([whole, spoilt(edit, HEADER_BYTES, edit.byteLength)]))
    const content = await contentOf(before)
    const { problems, store } = await verifyDirectory(before)
    expect(problems).toEqual([
      expect.objectContaining({ code: 'manifest_torn', file: manifest, offset: whole.byteLength }),
    ])
    expect(store?.workspaces).toEqual([expect.objectContaining({ workspace: 'w', head: RECORDS, problemCount: 0 })])
    expect(await contentOf(before)).toEqual(content)
  })
})
