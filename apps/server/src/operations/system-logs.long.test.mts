import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { makeData, startServer } from './testing/running-server.mts'

const NAMES = ['!notes', '!notes/demo', '!notes/acme/plan']

/** A directory with two workspaces, the log of each, and one of the whole store. */
async function makeDataWithSystemLogs(): Promise<string> {
  const directory = await makeData()
  const store = await openLevelStore({ directory, durability: 'sync' })
  for (const name of NAMES) {
    const log = await store.open(name)
    const update = Buffer.from('\u0001{"kind":"no document"}')
    await log.append({ update, actor: 'joinery', source: 'server', connection: 'test', touched: ['task/1'] }).durable
    await log.close()
  }
  await store.close()
  return directory
}

const run = async (directory: string, ...args: string[]) => {
  const { code, stdout, stderr } = await runCommand([...args, '--data', directory])
  return { code, stdout, stderr }
}

describe('commands and system logs', () => {
  for (const isServed of [false, true]) {
    it(`[A70] name them apart and never as workspaces, ${isServed ? 'beside' : 'without'} a server`, async () => {
      const directory = await makeDataWithSystemLogs()
      if (isServed) await startServer(directory)
      expect(await run(directory, 'verify')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/2 workspaces, 3 system logs, \d+ records/),
      })
      const { stdout } = await run(directory, 'inspect', '--json')
      const names = (logs: { workspace: string }[]) => logs.map(({ workspace }) => workspace)
      expect(names(JSON.parse(stdout).workspaces)).toEqual(['acme/plan', 'demo'])
      expect(names(JSON.parse(stdout).systemLogs)).toEqual(['!notes', '!notes/acme/plan', '!notes/demo'])
      expect((await run(directory, 'inspect')).stdout).toMatch(/^workspace .*\n[^!]*\nsystem log .*\n!notes /s)
      expect(await run(directory, 'history', '!notes/demo', '--block', 'task/1')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('task/1'),
      })
      for (const args of [
        ['delete', '!notes/demo'],
        ['purge', '!notes'],
        ['compact', '!notes/demo'],
      ]) {
        expect(await run(directory, ...args), args.join(' ')).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('is a system log'),
        })
      }
      const compacted = await run(directory, 'compact', '--json')
      expect(compacted).toMatchObject({ code: 0, stdout: expect.not.stringContaining('!notes') })
      await run(directory, 'delete', 'demo')
      expect((await run(directory, 'inspect')).stdout).toContain('!notes/demo')
      expect(await run(directory, 'purge', 'demo')).toMatchObject({ code: 0 })
      const left = await run(directory, 'inspect')
      expect(left.stdout).not.toContain('demo')
      expect(left.stdout).toContain('!notes/acme/plan')
    })
  }

  it('[A70] carry those of a workspace with it, and all of them in a backup', async () => {
    const directory = await makeDataWithSystemLogs()
    const archives = await temporaryDirectory()
    const file = join(archives, 'demo.archive')
    expect(await run(directory, 'export', 'demo', '--to', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 workspace, 1 system log, '),
    })
    const target = await temporaryDirectory()
    expect(await run(target, 'import', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 workspace, 1 system log, '),
    })
    expect(await run(target, 'import', file, '--as', '!notes/x')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the name of a system log'),
    })
    const backup = await run(directory, 'backup', '--to', join(archives, 'all'))
    expect(backup.stdout).toContain('2 workspaces, 3 system logs, ')
    const restored = join(await temporaryDirectory(), 'restored')
    expect(await run(restored, 'restore', join(archives, 'all'))).toMatchObject({ code: 0 })
    const { stdout } = await run(restored, 'inspect', '--json')
    expect(JSON.parse(stdout).systemLogs).toHaveLength(3)
    const again = await run(restored, 'import', join(archives, 'all'), '--workspace', 'demo', '--as', 'copy')
    expect(again.stdout).toContain('1 workspace, 1 system log, ')
  })
})
