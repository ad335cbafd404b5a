import { appendFile, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testDirectories } from '../testing/test-directory.ts'
import { WrittenLogs } from './written-logs.ts'

const makeDirectory = testDirectories()

describe('written logs', () => {
  it('[L13] a sync write fsyncs the logs that LevelDB left since the last one, and only those', async () => {
    const directory = await makeDirectory()
    const append = (name: string) => appendFile(join(directory, name), 'some')
    await append('000009.log')
    const older = new WrittenLogs(directory)
    expect(await older.writeThrough(() => append('000009.log'))).toEqual([])
    await append('000009.log')
    expect(await older.writeThrough(() => append('000009.log'))).toEqual([])
    // Written to once more, then left: by an earlier write, and by the sync write itself.
    await append('000009.log')
    await append('000010.log')
    expect(await older.writeThrough(() => append('000010.log'))).toEqual(['000009.log'])
    await append('000010.log')
    expect(await older.writeThrough(() => append('000011.log'))).toEqual(['000009.log', '000010.log'])
    await rm(join(directory, '000009.log'))
    await rm(join(directory, '000010.log'))
    expect(await older.writeThrough(() => append('000011.log'))).toEqual([])
    // Its table was built before anyone looked.
    await rm(join(directory, '000011.log'))
    expect(await older.writeThrough(() => append('000012.log'))).toEqual([])
  })

  it('[L182] an fsync beside writes covers the newest log, and all of them where LevelDB may have moved on', async () => {
    const directory = await makeDirectory()
    const append = (name: string) => appendFile(join(directory, name), 'some')
    await append('000009.log')
    await append('000010.log')
    const logs = new WrittenLogs(directory)
    await logs.watch(() => append('000010.log'))
    expect(await logs.sync()).toEqual(['000009.log', '000010.log'])
    await logs.watch(() => append('000010.log'))
    expect(await logs.sync()).toEqual(['000010.log'])
    // A sync write that moves on says so, and a small new log is taken for what it is.
    expect(await logs.writeThrough(() => append('000011.log'))).toEqual(['000009.log', '000010.log'])
    await logs.watch(() => append('000011.log'))
    expect(await logs.sync()).toEqual(['000011.log'])
    await rm(join(directory, '000009.log'))
    await logs.watch(() => append('000012.log'))
    expect(await logs.sync()).toEqual(['000010.log', '000011.log', '000012.log'])
    await logs.writeThrough(() => append('000012.log'))
    await logs.watch(() => append('000012.log'))
    expect(await logs.sync()).toEqual(['000012.log'])
    // In a table by now, and fsynced there.
    await rm(join(directory, '000012.log'))
    await logs.sync()
  })

  it('[L182] fsyncs beside writes keep the newest log open, so that no want of descriptors makes one fail, until they are closed', async () => {
    const directory = await makeDirectory()
    const append = (name: string) => appendFile(join(directory, name), 'some')
    const openLogs = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
      return (await Promise.all(links)).filter((path) => path.startsWith(directory)).map((path) => basename(path))
    }
    const logs = new WrittenLogs(directory)
    for (const name of ['000009.log', '000010.log']) {
      await logs.watch(() => append(name))
      await logs.sync()
      expect(await openLogs()).toEqual([name])
    }
    await logs.close()
    expect(await openLogs()).toEqual([])
  })

  it('[L13] a sync write that fails is not hidden', async () => {
    const directory = await makeDirectory()
    await writeFile(join(directory, '000003.log'), '')
    const failing = new WrittenLogs(directory).writeThrough(() => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
  })
})
