import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startServer, writeNote } from './operations/testing/running-server.mts'
import { runCommand } from './testing/command-process.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

/** Files and directories below a directory, itself included, that others than their user have any right to. */
async function openToOthers(directory: string): Promise<string[]> {
  const found = [directory, ...(await readdir(directory, { recursive: true })).map((name) => join(directory, name))]
  const modes = await Promise.all(found.map(async (path) => [path, (await stat(path)).mode & 0o077] as const))
  return modes.filter(([, others]) => others !== 0).map(([path]) => path)
}

it('[A52] what a server and its commands create is for their own user alone, whatever the umask was', async () => {
  const before = process.umask(0)
  try {
    const parent = await temporaryDirectory()
    const data = join(parent, 'new', 'data')
    const server = await startServer(data)
    await writeNote(server, 'demo', 'mine')
    const { code } = await runCommand(['backup', '--data', data, '--to', join(parent, 'backups')])
    expect(code).toBe(0)
    expect(await openToOthers(join(parent, 'new'))).toEqual([])
    expect(await openToOthers(join(parent, 'backups'))).toEqual([])
    await server.stop()
    expect(await openToOthers(join(parent, 'new'))).toEqual([])
  } finally {
    process.umask(before)
  }
})
