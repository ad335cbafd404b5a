import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { WireWriter } from '../crash/wire-writer.ts'
import { startChild } from '../support/child-process.ts'
import { typeUntilHealth } from '../support/health.ts'
import { joineryCommand, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

/** Too small for any database. */
const FILE_BYTES_MAX = 1_000

/** Limits the size of files that a process may write from now on. */
async function limitFiles(pid: number, bytes: number | 'unlimited'): Promise<void> {
  const child = startChild({ command: 'prlimit', args: ['--pid', String(pid), `--fsize=${bytes}:unlimited`] })
  expect(await child.exited, child.output()).toEqual({ code: 0, signal: null })
}

describe('a limit on the size of files', () => {
  it('[T46] nothing is acknowledged under it, all is once it is lifted, and nothing acknowledged is lost', async () => {
    await using home = await tempDirectory()
    await using joinery = await startJoinery({ directory: home.path, durability: 'sync' })
    const writer = new WireWriter(joinery.url, 'w', 'ada')
    const type = () => writer.type()
    type()
    await until('it is acknowledged', () => writer.ledger.isAcknowledged)
    await limitFiles(joinery.child.pid, FILE_BYTES_MAX)
    const failed = await within('storage fails', typeUntilHealth(joinery.url, 503, type))
    expect(failed.body).toMatchObject({ storage: 'failed', code: 'storage_full' })
    const { acknowledged } = writer.ledger
    type()
    await typeUntilHealth(joinery.url, 503, type)
    expect(writer.ledger.acknowledged).toBe(acknowledged)
    await limitFiles(joinery.child.pid, 'unlimited')
    await within('storage works again', typeUntilHealth(joinery.url, 200, type))
    await until('everything typed is acknowledged', () => writer.ledger.isAcknowledged)
    await joinery.child.end('SIGKILL')
    expect((await readLog(home.path)).get('w')).toEqual(writer.ledger.typed)
    await writer.stop()
  })

  it('[T44] the server says so when it is too small at the start, and leaves what is there as it is', async () => {
    await using home = await tempDirectory()
    const { args, env } = joineryCommand({ directory: home.path })
    const limited = ['--fsize=0', process.execPath, ...args]
    const child = startChild({ command: 'prlimit', args: limited, ...(env && { env }) })
    const exit = await within('the server gives up', child.exited)
    expect(child.output()).toMatch(/no room left.*--data/s)
    expect(child.output()).not.toMatch(/^\s+at /m)
    expect(exit).toEqual({ code: 1, signal: null })
    await using joinery = await startJoinery({ directory: home.path })
    const writer = new WireWriter(joinery.url, 'w', 'ada')
    writer.type()
    await until('it is acknowledged', () => writer.ledger.isAcknowledged)
    await writer.stop()
  })
})
