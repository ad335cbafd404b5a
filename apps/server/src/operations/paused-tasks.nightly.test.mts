import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { startServer, writeNote } from './testing/running-server.mts'

const saga = { name: 'publish', version: 1, digest: 'd', steps: [{ name: 'first', kind: 'step' }] }

it('[A88] tasks come back paused from a restore and from an import, until they are resumed', async () => {
  const data = await temporaryDirectory()
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(args)
    expect(code, stderr).toBe(0)
    return stdout
  }
  const waitsIn = async (directory: string) => {
    const { tasks } = JSON.parse(await run('tasks', 'list', 'demo', '--json', '--data', directory))
    return tasks.map(({ waiting }: { waiting?: { code: string } }) => waiting?.code)
  }
  const server = await startServer(data)
  await writeNote(server, 'demo', 'first')
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).ok).toBe(true)
  }
  await post('/v1/work/leases', { worker: 'w1', serves: [saga], max: 1, waitMs: 0 })
  await post('/v1/workspaces/demo/tasks', { saga: 'publish', input: null })
  const backups = await temporaryDirectory()
  await run('backup', '--to', backups, '--data', data)
  const archive = join(await temporaryDirectory(), 'demo.archive')
  await run('export', 'demo', '--to', archive, '--data', data)
  await server.stop()
  expect(await waitsIn(data)).toEqual(['no_worker'])

  const restored = join(await temporaryDirectory(), 'data')
  const imported = join(await temporaryDirectory(), 'data')
  await run('restore', backups, '--data', restored)
  await run('import', archive, '--data', imported)
  for (const directory of [restored, imported]) {
    expect(await waitsIn(directory)).toEqual(['paused'])
    expect(await run('tasks', 'resume', 'demo', '--data', directory)).toBe('1 task of demo resumed\n')
    expect(await waitsIn(directory)).toEqual(['no_worker'])
  }
  // A purge without a server forgets the tasks, too.
  for (const command of ['delete', 'purge']) await run(command, 'demo', '--data', restored)
  expect(await run('history', '!work', '--data', restored)).not.toContain('demo')
  await run('verify', '--data', restored)
})
