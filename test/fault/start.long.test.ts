import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Exit, startChild } from '../support/child-process.ts'
import { type JoineryOptions, joineryCommand, startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { setScene } from '../support/scene.ts'
import { smallDisk } from '../support/small-disk.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

/** Starts a server that must not come up. Returns its exit code and its output. */
async function startInVain(options: JoineryOptions): Promise<{ exit: Exit; said: string }> {
  const child = startChild(joineryCommand(options))
  try {
    const exit = await within('the server gives up', child.exited)
    return { exit, said: child.output() }
  } finally {
    await child.end('SIGKILL')
  }
}

/** One line for a person, not a stack trace, and the exit code of a failed start. */
async function expectExplained(options: JoineryOptions, says: RegExp): Promise<void> {
  const { exit, said } = await startInVain(options)
  expect(said).toMatch(says)
  expect(said).not.toMatch(/^\s+at /m)
  expect(exit).toEqual({ code: 1, signal: null })
}

// Concurrent, since most of the time is a process coming up.
describe.concurrent('a server that can not start', () => {
  it('[T40] the server says so and exits 1 when its port is in use', async () => {
    await using scene = await setScene()
    await using directory = await tempDirectory()
    const { port } = scene.joinery
    await expectExplained({ directory: directory.path, port }, new RegExp(`port ${port}.*another with --port`))
    await scene.bystander.check()
  })

  it('[T40] the server says so and exits 1 when another program listens on its port', async () => {
    await using directory = await tempDirectory()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expectExplained({ directory: directory.path, port }, /--port/)
    await new Promise((resolve) => other.close(resolve))
  })

  it('[T41] a second process says so and exits 1 when a first one uses its directory', async () => {
    await using scene = await setScene()
    await expectExplained({ directory: scene.directory }, /(locked|another process|in use).*--data/s)
    await scene.bystander.check()
  })

  it("[T42] the server says so and leaves all as it is when the directory holds another program's files", async () => {
    await using directory = await tempDirectory()
    await writeFile(join(directory.path, 'thesis.doc'), 'ten years of work')
    await expectExplained({ directory: directory.path }, /another program.*--data/s)
    expect(await readdir(directory.path)).toEqual(['thesis.doc'])
  })

  it('[T42] the server says so when its data directory is a file', async () => {
    await using directory = await tempDirectory()
    const file = join(directory.path, 'data')
    await writeFile(file, '')
    await expectExplained({ directory: file }, /can't be read as a directory.*--data/s)
  })

  it.skipIf(process.getuid?.() === 0)('[T42] the server says so when it may not read its directory', async () => {
    await using directory = await tempDirectory()
    const closed = join(directory.path, 'data')
    await mkdir(closed, { mode: 0o000 })
    await expectExplained({ directory: closed }, /--data/)
  })

  it('[T43] the server refuses to start empty when its database has lost its CURRENT file', async () => {
    await using directory = await tempDirectory()
    await makeWorkspace(directory.path)
    await rm(join(directory.path, 'CURRENT'))
    await expectExplained({ directory: directory.path }, /CURRENT.*(copy|backup)/s)
  })

  it('[T44] the server says so when its disk is full at the start, and starts when there is space again', async (context) => {
    await using disk = await smallDisk(context)
    const data = join(disk.path, 'data')
    await disk.fill()
    await expectExplained({ directory: data }, /(space|full).*--data/s)
    await disk.empty()
    await makeWorkspace(data)
  })

  it('[T44] the server keeps what it has when its disk is full at a later start', async (context) => {
    await using disk = await smallDisk(context)
    const data = join(disk.path, 'data')
    await makeWorkspace(data)
    await disk.fill()
    await expectExplained({ directory: data }, /(space|full).*--data/s)
    await disk.empty()
    await using joinery = await startJoinery({ directory: data })
    const reader = await RawClient.open({ url: joinery.url, path: 'kept' })
    expect(reader.doc.getText('content').toString()).toBe('kept')
    await reader.close()
  })

  it('[T45] the command names what would be right and exits 2 when it is used wrongly', async () => {
    await using directory = await tempDirectory()
    const command = joineryCommand({ directory: directory.path })
    const cases: readonly [args: string[], says: RegExp][] = [
      [['--durability', 'mostly'], /memory, async, sync/],
      [['--port', '99999'], /65535/],
      [['--colour', 'red'], /--colour/],
      [['--host', '0.0.0.0'], /JOINERY_JWT_SECRET/],
    ]
    for (const [args, says] of cases) {
      const child = startChild({ ...command, args: [...command.args, ...args] })
      expect(await within('the command gives up', child.exited), args.join(' ')).toEqual({ code: 2, signal: null })
      expect(child.output()).toMatch(says)
    }
  })
})

/** Runs a server on the directory long enough to keep one workspace in it. */
async function makeWorkspace(directory: string): Promise<void> {
  await using joinery = await startJoinery({ directory })
  const writer = await RawClient.open({ url: joinery.url, path: 'kept', wantsJoinery: true })
  writer.doc.getText('content').insert(0, 'kept')
  await until('the text is durable', () => writer.framesDurable === writer.framesSent)
  await writer.close()
  expect(await joinery.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
}
