import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectWorkspace, uploadsOf, type Workspace } from '@joinery/client'
import { scopeOf } from '@joinery/resources'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const CONTENT = Buffer.from('a plan of a shelf')
const DIGEST = createHash('sha256').update(CONTENT).digest('hex')

/** Does work as a person in a workspace. */
async function inWorkspace<T>(
  server: JoineryProcess,
  name: string,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const workspace = connectWorkspace({ url: server.url, workspace: name, actor: 'ada' })
  try {
    await workspace.whenSynced
    return await work(workspace)
  } finally {
    await workspace.close()
  }
}

/** Uploads the content to new blocks of a workspace. */
function uploadTo(server: JoineryProcess, name: string, blocks: readonly string[]): Promise<void> {
  return inWorkspace(server, name, async (workspace) => {
    for (const block of blocks) {
      workspace.blocks.create(block, { type: 'text' })
      await workspace.whenDurable()
      await uploadsOf(workspace).upload(block, new Blob([new Uint8Array(CONTENT)]), { name: 'plan.txt' }).finished
    }
  })
}

function downloadOf(server: JoineryProcess, name: string, block: string): Promise<string> {
  return inWorkspace(server, name, async (workspace) => {
    const { url } = await uploadsOf(workspace).download(block, 'plan.txt')
    return (await fetch(url)).text()
  })
}

/** Names of the workspaces among `known` that have the file in a folder. */
async function holders(directory: string, known: readonly string[]): Promise<string[]> {
  const all = await readdir(join(directory, 'blobs'), { recursive: true })
  return known.filter((name) => all.includes(join(scopeOf(name), DIGEST)))
}

async function done(...args: readonly string[]): Promise<string> {
  const { exit, output } = await joinery(...args)
  expect([args, exit.code, output]).toEqual([args, 0, output])
  return output
}

it('[A116, A117, A118, RU11] files go with their workspaces into backups and back, and are gone with the last one that has them', async () => {
  await using place = await tempDirectory()
  const [data, backups, later] = ['data', 'backups', 'later'].map((name) => join(place.path, name)) as [
    string,
    string,
    string,
  ]
  await using server = await startJoinery({ directory: data })
  await uploadTo(server, 'a', ['one', 'two'])
  await uploadTo(server, 'b', ['one'])
  // One content in two blocks: the one that is left still has it.
  await inWorkspace(server, 'a', async (workspace) => {
    workspace.blocks.delete('one')
    await workspace.whenDurable()
  })
  expect(await downloadOf(server, 'a', 'two')).toBe(CONTENT.toString())

  expect(await done('backup', '--data', data, '--to', backups)).toContain('2 files')
  const copies = await readdir(join(backups, 'blobs'))
  const copy = join(backups, 'blobs', scopeOf('a'), DIGEST)
  const { ino } = await stat(copy)
  expect([copies.length, await readFile(copy)]).toEqual([2, CONTENT])

  // A server removes the files of a purged workspace, and those of no other.
  await done('delete', 'a', '--data', data)
  expect(await holders(data, ['a', 'b'])).toEqual(['a', 'b'])
  await done('purge', 'a', '--data', data)
  expect(await holders(data, ['a', 'b'])).toEqual(['b'])
  expect(await downloadOf(server, 'b', 'one')).toBe(CONTENT.toString())

  // One workspace comes back beside the others, under another name.
  const [archive = ''] = (await readdir(backups)).filter((name) => name.endsWith('.archive'))
  const imported = await done('import', join(backups, archive), '--data', data, '--workspace', 'a', '--as', 'a2')
  expect(imported).toContain('1 file')
  expect(await downloadOf(server, 'a2', 'two')).toBe(CONTENT.toString())

  await done('restore', backups, '--data', later)
  expect(await holders(later, ['a', 'b', 'a2'])).toEqual(['a', 'b'])
  {
    await using restored = await startJoinery({ directory: later })
    expect(await downloadOf(restored, 'a', 'two')).toBe(CONTENT.toString())
  }
  // Without a server, too.
  await done('delete', 'b', '--data', later)
  await done('purge', 'b', '--data', later)
  expect(await holders(later, ['a', 'b'])).toEqual(['a'])

  // Backups share their files, and what none of them names is removed with the last archive that did.
  await rm(join(backups, archive))
  await done('backup', '--data', data, '--to', backups, '--keep', '1')
  expect(await holders(backups, ['a', 'b', 'a2'])).toEqual(['b', 'a2'])
  expect((await stat(join(backups, 'blobs', scopeOf('b'), DIGEST))).ino).not.toBe(ino)

  // A file that was damaged is named, and the archive is there all the same.
  await writeFile(join(data, 'blobs', scopeOf('a2'), DIGEST), CONTENT.toString().toUpperCase())
  await rm(join(backups, 'blobs', scopeOf('a2')), { recursive: true })
  const { exit, output } = await joinery('backup', '--data', data, '--to', join(place.path, 'other'), '--keep', '1')
  expect([exit.code, output]).toEqual([1, expect.stringContaining(`${scopeOf('a2')}/${DIGEST}`)])
  expect((await readdir(join(place.path, 'other'))).filter((name) => name.endsWith('.archive'))).toHaveLength(1)
})
