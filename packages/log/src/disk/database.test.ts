import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import type { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { listWorkspaces } from '../testing/list-workspaces.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { Database } from './database.ts'

const makeDirectory = testDirectories()
const code = (expected: LogError['code'], message = '') =>
  expect.objectContaining({ name: 'LogError', code: expected, message: expect.stringContaining(message) })

/** A closed store with one workspace of one record. */
async function madeStore(): Promise<string> {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'sync' })
  await (await store.open('w')).append(sampleEntry(1)).durable
  await store.close()
  return directory
}

async function reopened(directory: string): Promise<string[]> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  const names = await listWorkspaces(store)
  await store.close()
  return names
}

const open = (directory: string) => openLevelStore({ directory, durability: 'sync' })

describe('data directory', () => {
  it('[L18] a missing directory is made with its parents, and is the same store afterwards', async () => {
    const directory = join(await makeDirectory(), 'deep', 'er')
    const first = await Database.open(directory)
    await first.close()
    const second = await Database.open(directory)
    await second.close()
    expect(second.storeId).toBe(first.storeId)
  })

  it('[L18] an empty directory, or a fresh volume, is made a store', async () => {
    expect(await reopened(await makeDirectory())).toEqual([])
    const volume = await makeDirectory()
    await mkdir(join(volume, 'lost+found'))
    expect(await reopened(volume)).toEqual([])
  })

  it('[L18] a creation cut short anywhere before its end is begun again', async () => {
    const marker = { unfinished: 'creating\n' }
    const afterDraft = await makeDirectory()
    await writeFile(join(afterDraft, 'JOINERY.draft'), 'crea')
    expect(await reopened(afterDraft)).toEqual([])

    const afterMarker = await makeDirectory()
    await writeFile(join(afterMarker, 'JOINERY'), marker.unfinished)
    expect(await reopened(afterMarker)).toEqual([])

    const beforeCurrent = await makeDirectory()
    await writeFile(join(beforeCurrent, 'JOINERY'), marker.unfinished)
    await writeFile(join(beforeCurrent, 'MANIFEST-000001'), 'torn')
    expect(await reopened(beforeCurrent)).toEqual([])

    const beforeIdentity = await makeDirectory()
    const level = new ClassicLevel(beforeIdentity)
    await level.open()
    await level.close()
    await writeFile(join(beforeIdentity, 'JOINERY'), marker.unfinished)
    expect(await reopened(beforeIdentity)).toEqual([])

    const afterIdentity = await madeStore()
    await writeFile(join(afterIdentity, 'JOINERY'), marker.unfinished)
    expect(await reopened(afterIdentity)).toEqual(['w'])
  })

  it('[L18] a store whose beginnings power loss has emptied is begun again', async () => {
    // LevelDB fsyncs the first CURRENT, and not the manifest that it names.
    for (const manifest of ['', 'some', '\0'.repeat(50)]) {
      const directory = await makeDirectory()
      await writeFile(join(directory, 'JOINERY'), 'creating\n')
      await writeFile(join(directory, 'CURRENT'), 'MANIFEST-000001\n')
      await writeFile(join(directory, 'MANIFEST-000001'), manifest)
      expect(await reopened(directory)).toEqual([])
      const store = await openLevelStore({ directory, durability: 'sync' })
      await (await store.open('w')).append(sampleEntry(1)).durable
      await store.close()
      expect(await reopened(directory)).toEqual(['w'])
    }
  })

  it('[L18] a lost or damaged marker is written anew from the identity record', async () => {
    const directory = await madeStore()
    const intact = await readFile(join(directory, 'JOINERY'), 'utf8')
    await rm(join(directory, 'JOINERY'))
    expect(await reopened(directory)).toEqual(['w'])
    await writeFile(join(directory, 'JOINERY'), 'joinery lug 1 x\n')
    expect(await reopened(directory)).toEqual(['w'])
    expect(await readFile(join(directory, 'JOINERY'), 'utf8')).toBe(intact)
  })

  it('[L19] a store without CURRENT is corrupted, never empty, and is left as it was', async () => {
    const directory = await madeStore()
    await rm(join(directory, 'CURRENT'))
    const files = await readdir(directory)
    await expect(open(directory)).rejects.toEqual(code('corrupted', directory))
    expect(await readdir(directory)).toEqual(files)
    await rm(join(directory, 'JOINERY'))
    await expect(open(directory)).rejects.toEqual(code('corrupted', directory))
  })

  it('[L19] a store whose database has been emptied is corrupted', async () => {
    const directory = await madeStore()
    for (const name of await readdir(directory)) if (name !== 'JOINERY') await rm(join(directory, name))
    await expect(open(directory)).rejects.toEqual(code('corrupted', 'CURRENT'))
    const level = new ClassicLevel(directory)
    await level.open()
    await level.close()
    await expect(open(directory)).rejects.toEqual(code('corrupted', 'identity'))
  })

  it('[L19] the database of another store is corrupted', async () => {
    const [one, other] = [await madeStore(), await madeStore()]
    await cp(join(one, 'JOINERY'), join(other, 'JOINERY'))
    await expect(open(other)).rejects.toEqual(code('corrupted', 'two stores'))
  })

  it('[L19] an emptied CURRENT and a missing table are corrupted', async () => {
    const directory = await madeStore()
    expect(await reopened(directory)).toEqual(['w'])
    const tableless = await makeDirectory()
    await cp(directory, tableless, { recursive: true })
    await writeFile(join(directory, 'CURRENT'), '')
    await expect(open(directory)).rejects.toEqual(code('corrupted'))
    const tables = (await readdir(tableless)).filter((name) => name.endsWith('.ldb'))
    expect(tables.length).toBeGreaterThan(0)
    for (const name of tables) await rm(join(tableless, name))
    await expect(open(tableless)).rejects.toEqual(code('corrupted'))
  })

  it('[L55] a store whose write-ahead log is gone is corrupted, and left as it was', async () => {
    const directory = await madeStore()
    const [log = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const unmarked = await makeDirectory()
    await cp(directory, unmarked, { recursive: true })
    // As a process that was killed leaves it.
    await rm(join(unmarked, 'CLOSED'))
    expect(await reopened(unmarked)).toEqual(['w'])
    await rm(join(unmarked, 'CLOSED'), { force: true })
    for (const where of [directory, unmarked]) {
      for (const name of await readdir(where)) if (name.endsWith('.log')) await rm(join(where, name))
      const files = await readdir(where)
      await expect(open(where)).rejects.toEqual(code('corrupted', 'is missing'))
      expect(await readdir(where)).toEqual(files)
    }
    expect(log).not.toBe('')
  })

  it('[L55] a store whose write-ahead log was cut after it was closed is corrupted', async () => {
    const directory = await madeStore()
    const [log = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const whole = await readFile(join(directory, log))
    for (const bytes of [0, Math.floor(whole.byteLength / 2), whole.byteLength - 1]) {
      await writeFile(join(directory, log), whole.subarray(0, bytes))
      await expect(open(directory)).rejects.toEqual(code('corrupted', `${bytes} of ${whole.byteLength} bytes`))
    }
    await writeFile(join(directory, log), whole)
    expect(await reopened(directory)).toEqual(['w'])
  })

  it('[L55] what a store was closed with says nothing once it was opened again, nor when it is damaged', async () => {
    const directory = await madeStore()
    const mark = await readFile(join(directory, 'CLOSED'), 'utf8')
    const damaged = await makeDirectory()
    await cp(directory, damaged, { recursive: true })
    await writeFile(join(damaged, 'CLOSED'), mark.replace(/ \d+ /, ' 99999999 '))
    expect(await reopened(damaged)).toEqual(['w'])
    expect(await reopened(directory)).toEqual(['w'])
    await writeFile(join(directory, 'CLOSED'), mark)
    expect(await reopened(directory)).toEqual(['w'])
  })

  it('[L20] the directory of another program is foreign and stays untouched', async () => {
    const home = await makeDirectory()
    await writeFile(join(home, 'letter.txt'), 'dear reader')
    await expect(open(home)).rejects.toEqual(code('foreign_directory', home))
    expect(await readdir(home)).toEqual(['letter.txt'])

    const other = await makeDirectory()
    const level = new ClassicLevel(other)
    await level.put('key', 'value')
    await level.close()
    await expect(open(other)).rejects.toEqual(code('foreign_directory', other))
    await level.open({ createIfMissing: false })
    expect(await level.get('key')).toBe('value')
    await level.close()
  })

  it('[L21] a file, or a path through one, is unreadable', async () => {
    const file = join(await makeDirectory(), 'file')
    await writeFile(file, '')
    await expect(open(file)).rejects.toEqual(code('unreadable', file))
    await expect(open(join(file, 'data'))).rejects.toEqual(code('unreadable'))
  })

  // Node's `mkdir` with `recursive` never returns there.
  it.runIf(process.platform === 'linux')('[L21] where no directory can be made, that is said', async () => {
    await expect(open('/proc/none/here')).rejects.toEqual(code('storage_failed', '/proc/none/here'))
  })

  it('[L22] a directory open in this process is locked', async () => {
    const directory = await madeStore()
    const store = await open(directory)
    await expect(open(directory)).rejects.toEqual(code('locked', 'stop that one'))
    await store.close()
    expect(await reopened(directory)).toEqual(['w'])
  })

  it('[L22] a directory open in another process is locked until that one ends', async () => {
    const directory = await madeStore()
    const script = `
      const { openLevelStore } = await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)})
      await openLevelStore({ directory: ${JSON.stringify(directory)}, durability: 'sync' })
      console.log('open')
      setInterval(() => {}, 60_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(child.stdout, 'data')
      await expect(open(directory)).rejects.toEqual(code('locked', directory))
    } finally {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    expect(await reopened(directory)).toEqual(['w'])
  })
})
