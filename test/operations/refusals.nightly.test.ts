import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { joinery as command, type Ran, startCommand } from '../support/command.ts'
import { typeUntilHealth } from '../support/health.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { smallDisk } from '../support/small-disk.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

/** More than a disk of a few megabytes takes, and enough to be stopped half-way. */
const RECORDS = 6_000
const RECORD_BYTES = 1_500

/** A data directory with workspace `demo` of so many records, whose bytes do not compress. */
async function makeData(directory: string, records = RECORDS): Promise<string> {
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('demo')
  const doc = new Y.Doc()
  let durable: Promise<void> | undefined
  doc.on('update', (update: Uint8Array) => {
    durable = log.append({ update, touched: [], actor: 'ada', source: 'user_action', connection: 'c1' }).durable
  })
  for (let record = 0; record < records; record++) {
    doc.getMap('m').set(`${record}`, crypto.getRandomValues(new Uint8Array(RECORD_BYTES)))
    if (record % 500 === 0) await durable
  }
  await durable
  await log.close()
  await store.close()
  return directory
}

/** Expects one line for a person that says why and what to do, no stack, and exit code 1. */
function expectExplained({ exit, output }: Ran, says: RegExp): void {
  expect(output).toMatch(says)
  expect(output.trimEnd().split('\n'), output).toHaveLength(1)
  expect(output).toMatch(/^joinery: /)
  expect(exit).toEqual({ code: 1, signal: null })
}

describe.concurrent('the command on what it can not work on', () => {
  it.each([
    ['verify'],
    ['inspect'],
    ['history', 'demo'],
    ['compact'],
    ['delete', 'demo'],
    ['undelete', 'demo'],
    ['purge', 'demo'],
    ['repair', 'demo'],
    ['repair', 'demo', '--yes'],
    ['export', 'demo', '--to', 'elsewhere.archive'],
  ])('[T74] joinery %s says so, and makes no store, where there is no log', async (...args) => {
    await using home = await tempDirectory()
    const missing = join(home.path, 'missing')
    expectExplained(await command(...args, '--data', missing), /missing holds no log .*--data/)
    expect(existsSync(missing)).toBe(false)
    // All commands share this check: one that reads and one that writes are enough.
    if (args[0] !== 'verify' && args[0] !== 'compact') return
    const foreign = join(home.path, 'foreign')
    await mkdir(foreign)
    await writeFile(join(foreign, 'thesis.doc'), 'ten years of work')
    expectExplained(await command(...args, '--data', foreign), /another program's files.*--data/)
    expect(await readdir(foreign)).toEqual(['thesis.doc'])
    expect(existsSync('elsewhere.archive')).toBe(false)
  })

  it.each(['import', 'restore'])(
    '[T74] joinery %s says what is wrong with an archive, and makes nothing of it',
    async (name) => {
      await using home = await tempDirectory()
      const data = join(home.path, 'data')
      const attempt = (path: string) => command(name, path, '--data', data)
      expectExplained(await attempt(join(home.path, 'nowhere')), /nowhere: there is no such file/)
      const empty = join(home.path, 'empty')
      await mkdir(empty)
      expectExplained(await attempt(empty), /empty holds no archives/)
      const thesis = join(home.path, 'thesis.doc')
      await writeFile(thesis, 'ten years of work')
      expectExplained(await attempt(thesis), /byte 0: it is none of joinery/)
      expect((await readdir(home.path)).sort()).toEqual(['empty', 'thesis.doc'])
    },
  )
})

describe('the command on a disk that fills up', () => {
  it('[T75] backup, restore and import say so, also beside a running server, and leave nothing half-made', async (context) => {
    await using home = await tempDirectory()
    await using disk = await smallDisk(context)
    const data = await makeData(join(home.path, 'data'))
    const backups = join(home.path, 'backups')
    expect(await command('backup', '--to', backups, '--data', data)).toMatchObject({ exit: { code: 0 } })

    expectExplained(await command('backup', '--to', disk.path, '--data', data), /joinery-\S+\.archive: no room is left/)
    expect(await readdir(disk.path)).toEqual([])
    const restored = join(disk.path, 'restored')
    expectExplained(
      await command('restore', backups, '--data', restored),
      /no room left to write in \S+restored: .*do it again/,
    )
    expect(await readdir(disk.path)).toEqual([])

    // Before the disk is full: a server needs room to start.
    await using joinery = await startJoinery({ directory: join(disk.path, 'served') })
    const writer = await RawClient.open({ url: joinery.url, path: 'here', wantsJoinery: true })
    writer.doc.getText('content').insert(0, 'kept')
    await until('it is durable', () => writer.framesDurable === writer.framesSent)
    const served = join(disk.path, 'served')
    expectExplained(await command('import', backups, '--data', restored), /no room left to write.*do it again/)
    expectExplained(await command('import', backups, '--data', served), /no room left to write.*do it again/)
    // No half-made backup is ever seen, and the server goes on once there is space.
    await rm(restored, { recursive: true })
    await within(
      'storage works again',
      typeUntilHealth(joinery.url, 200, () => undefined),
    )
    writer.doc.getText('content').insert(4, ' on')
    await until('it is durable', () => writer.framesDurable === writer.framesSent)
    const { stdout } = await command('inspect', '--json', '--data', served)
    expect(JSON.parse(stdout).workspaces.map(({ workspace }: { workspace: string }) => workspace)).toEqual(['here'])
    expect(await joinery.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const verified = await command('verify', '--data', served)
    expect(verified.exit, verified.output).toEqual({ code: 0, signal: null })
  })
})

describe('the command that is told to stop', () => {
  it('[T76] backup, restore and import end at Ctrl-C with one line and leave nothing half-made', async () => {
    await using home = await tempDirectory()
    const data = await makeData(join(home.path, 'data'), 12_000)
    const at = (name: string) => join(home.path, name)
    /** Interrupts a command as soon as `name` begins a name in the directory. */
    const interrupt = async (args: readonly string[], directory: string, name: RegExp): Promise<Ran> => {
      const child = startCommand(...args)
      let isThere = false
      while (!isThere) isThere = (await readdir(directory)).some((each) => name.test(each))
      // Twice at once: a terminal sends the signal to the process and to the launcher, which passes it on.
      process.kill(child.pid, 'SIGINT')
      const exit = await child.end('SIGINT')
      return { exit, output: child.output(), stdout: child.stdout() }
    }
    await mkdir(at('backups'))
    const backup = ['backup', '--to', at('backups'), '--data', data]
    expectExplained(await interrupt(backup, at('backups'), /\.partial$/), /stopped before the end/)
    expect(await readdir(at('backups'))).toEqual([])
    expect(await command(...backup)).toMatchObject({ exit: { code: 0 } })
    const restore = ['restore', at('backups'), '--data', at('restored')]
    expectExplained(await interrupt(restore, home.path, /^\.restored-restoring-/), /stopped before the end/)
    expect((await readdir(home.path)).sort()).toEqual(['backups', 'data'])
    const imports = ['import', at('backups'), '--data', at('imported')]
    await mkdir(at('imported'))
    expectExplained(await interrupt(imports, at('imported'), /^CURRENT$/), /stopped before the end/)
    const again = await command(...imports)
    expect(again.exit, again.output).toEqual({ code: 0, signal: null })
    const verified = await command('verify', '--data', at('imported'))
    expect(verified.exit, verified.output).toEqual({ code: 0, signal: null })
  })
})
