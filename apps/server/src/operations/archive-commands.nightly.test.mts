import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { makeData, readNote, startServer, type TestServer, writeNote } from './testing/running-server.mts'

const WRITERS = 3
/** Edits each writer has acknowledged before the backup begins. */
const EDITS_BEFORE = 20

/** Writes until it is stopped, each edit once the one before is durable, and counts the acknowledged ones. */
async function writeOn(server: TestServer, workspace: string, ledger: string[], signal: AbortSignal): Promise<void> {
  const writer = server.connect(workspace)
  await writer.whenSynced
  for (let n = 1; !signal.aborted; n++) {
    writer.doc.getMap('edits').set(`edit ${n}`, 'x'.repeat(n % 7 === 0 ? 2_000 : 20))
    await writer.whenDurable()
    ledger.push(`edit ${n}`)
  }
  await writer.close()
}

describe('joinery backup', () => {
  it('[A35] beside a server under load holds every edit acknowledged before it began, and restores them', async () => {
    const directory = await temporaryDirectory()
    const backups = await temporaryDirectory()
    const server = await startServer(directory)
    const stop = new AbortController()
    const ledgers = Array.from({ length: WRITERS }, () => [] as string[])
    const writing = ledgers.map((ledger, n) => writeOn(server, `w${n}`, ledger, stop.signal))
    await expect.poll(() => Math.min(...ledgers.map(({ length }) => length))).toBeGreaterThan(EDITS_BEFORE)
    const acknowledged = ledgers.map((ledger) => [...ledger])
    const backup = await runCommand(['backup', '--data', directory, '--to', backups])
    expect(backup).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`${WRITERS} workspaces, `) })
    stop.abort()
    await Promise.all(writing)
    await server.stop()

    const restored = join(await temporaryDirectory(), 'data')
    const restore = await runCommand(['restore', backups, '--data', restored])
    expect(restore).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`${WRITERS} workspaces, `) })
    expect(await runCommand(['verify', '--data', restored])).toMatchObject({ code: 0 })
    const second = await startServer(restored)
    for (const [n, edits] of acknowledged.entries()) {
      const reader = second.connect(`w${n}`)
      await reader.whenSynced
      const there = new Set(reader.doc.getMap('edits').keys())
      expect(edits.filter((edit) => !there.has(edit))).toEqual([])
      await reader.close()
    }
    await second.stop()
  })

  it('[A36] keeps as many archives as asked, and none that is not complete', async () => {
    const directory = await makeData()
    const backups = await temporaryDirectory()
    const older = ['joinery-2020-01-01T000000Z.archive', 'joinery-2020-01-02T000000Z.archive', 'notes.txt']
    for (const name of older) await writeFile(join(backups, name), '')
    const { code, stdout } = await runCommand(['backup', '--data', directory, '--to', backups, '--keep', '2', '--json'])
    expect(code).toBe(0)
    const { file, workspaces, records } = JSON.parse(stdout)
    expect({ workspaces, records }).toMatchObject({ workspaces: 2 })
    expect((await readdir(backups)).map((name) => join(backups, name)).sort()).toEqual(
      [file, join(backups, 'joinery-2020-01-02T000000Z.archive'), join(backups, 'notes.txt')].sort(),
    )
    const elsewhere = await temporaryDirectory()
    const absent = await runCommand(['backup', '--data', join(directory, 'nothing'), '--to', elsewhere])
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no log') })
    expect(await readdir(elsewhere)).toEqual([])
  })
})

describe('joinery export and import', () => {
  it('[A37] carry one workspace from a running server into another, byte for byte or under another name', async () => {
    const file = join(await temporaryDirectory(), 'demo.archive')
    const first = await startServer(await makeData())
    const exported = await runCommand(['export', 'demo', '--data', first.directory, '--to', file])
    expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining('1 workspace, ') })
    const again = await runCommand(['export', 'demo', '--data', first.directory, '--to', file])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') })
    const present = await runCommand(['import', file, '--data', first.directory])
    expect(present).toMatchObject({ code: 1, stderr: expect.stringContaining('workspace demo is there already') })

    const second = await startServer(await temporaryDirectory())
    expect(await runCommand(['import', file, '--data', second.directory])).toMatchObject({ code: 0 })
    const copy = ['import', file, '--as', 'copy', '--data', second.directory]
    expect(await runCommand(copy)).toMatchObject({ code: 0 })
    expect(await readNote(second, 'demo')).toBe('first')
    expect(await readNote(second, 'copy')).toBe('first')
    expect(await runCommand(['verify', '--data', second.directory])).toMatchObject({ code: 0 })
    const inspect = async (server: TestServer) =>
      JSON.parse((await runCommand(['inspect', 'demo', '--data', server.directory, '--json'])).stdout).workspaces
    expect(await inspect(second)).toEqual(await inspect(first))
    await Promise.all([first.stop(), second.stop()])
    // Neither an answer nor the refusal of a wrong request is a warning in the server's log, which goes to stderr.
    expect(first.process.stderr + second.process.stderr).not.toContain('could not be answered')
  })

  it('[A37] refuse an archive that is damaged, naming the byte, and import nothing of it', async () => {
    const directory = await makeData()
    const file = join(await temporaryDirectory(), 'demo.archive')
    await runCommand(['export', 'demo', '--data', directory, '--to', file])
    const bytes = await readFile(file)
    await writeFile(file, bytes.subarray(0, -7))
    const target = await temporaryDirectory()
    const { code, stderr } = await runCommand(['import', file, '--data', target])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `joinery: the archive is damaged at byte ${bytes.length - 7}: it is cut short\n`,
    })
    expect(await readdir(target)).toEqual([])
    const usage = await runCommand(['import', file, '--workspace', 'demo,other', '--as', 'x', '--data', target])
    expect(usage).toMatchObject({ code: 2, stderr: expect.stringContaining('--as is a name for one workspace') })
  })
})

describe('joinery history', () => {
  it('[A38] lists who wrote what when, with a server and without', async () => {
    const directory = await makeData()
    const alone = await runCommand(['history', 'demo', '--data', directory])
    expect(alone.code).toBe(0)
    const [head, ...rows] = alone.stdout.trimEnd().split('\n')
    expect(head).toMatch(/^ *lsn +at +actor +source +bytes +touched$/)
    expect(rows.at(-1)).toMatch(/^ *\d+ +\S+Z +ada +user_action .*note/)
    const server = await startServer(directory)
    expect((await runCommand(['history', 'demo', '--data', directory])).stdout).toBe(alone.stdout)
    const query = ['--block', 'note', '--actor', 'ada', '--since', '1d', '--limit', '1', '--json']
    const json = JSON.parse((await runCommand(['history', 'demo', '--data', directory, ...query])).stdout)
    expect(json.records).toEqual([expect.objectContaining({ lsn: rows.length, actor: 'ada' })])
    const none = await runCommand(['history', 'demo', '--data', directory, '--actor', 'bob'])
    expect(none).toMatchObject({ code: 0, stdout: 'no records match\n' })
    const wrong = await runCommand(['history', 'demo', '--data', directory, '--since', 'yesterday'])
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--since must be') })
    await server.stop()
  })
})

describe('joinery delete, undelete and purge', () => {
  it('[A39] turn clients away, take that back, and end it, with a server and without', async () => {
    const directory = await makeData()
    const run = (command: string) => runCommand([command, 'demo', '--data', directory])
    const server = await startServer(directory)
    expect(await run('purge')).toMatchObject({ code: 1, stderr: expect.stringContaining('is not deleted') })
    expect(await run('delete')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^demo is deleted/) })
    const late = server.connect('demo')
    await expect(late.whenSynced).rejects.toThrow('deleted')
    await late.close()
    expect(await run('undelete')).toMatchObject({ code: 0 })
    expect(await readNote(server, 'demo')).toBe('first')
    await server.stop()
    expect(await run('delete')).toMatchObject({ code: 0 })
    expect(await run('purge')).toMatchObject({ code: 0, stdout: 'demo is removed for good\n' })
    expect(await runCommand(['verify', '--data', directory])).toMatchObject({ code: 0 })
    const second = await startServer(directory)
    await writeNote(second, 'demo', 'anew')
    expect(await readNote(second, 'demo')).toBe('anew')
    await second.stop()
  })
})

describe('joinery compact', () => {
  it('[A45] packs and drops as asked, beside a running server and without, and what is left stays whole', async () => {
    const directory = await makeData()
    const server = await startServer(directory)
    const writer = server.connect('demo')
    await writer.whenSynced
    const text = writer.blocks.get('note')?.content
    for (let n = 0; n < 150; n++) {
      text?.insert(0, `${n} `)
      await writer.whenDurable()
    }
    const written = text?.toString()
    await writer.close()
    // A room takes a snapshot when it closes; without one, no record may be dropped.
    await server.stop()
    const compact = async (...more: string[]) => {
      const { code, stdout, stderr } = await runCommand(['compact', '--data', directory, '--json', ...more])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return JSON.parse(stdout).workspaces
    }
    const second = await startServer(directory)
    await writeNote(second, 'other', 'later')
    const reader = second.connect('demo')
    await reader.whenSynced
    reader.blocks.get('note')?.content.insert(0, 'and more ')
    await reader.whenDurable()
    const [demo] = await compact('demo', '--keep-history', '0')
    expect(demo).toMatchObject({ workspace: 'demo', dropped: demo.firstLsn - 1 })
    expect(demo.dropped).toBeGreaterThan(100)
    expect(await runCommand(['verify', '--data', directory])).toMatchObject({ code: 0 })
    await reader.close()
    await second.stop()
    expect(await compact('--keep-history', '90d')).toHaveLength(3)
    const third = await startServer(directory)
    expect(await readNote(third, 'demo')).toBe(`and more ${written}`)
    expect(await readNote(third, 'other')).toBe('later')
    const wrong = await runCommand(['compact', '--data', directory, '--keep-history', 'a bit'])
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--keep-history must be') })
  })
})
