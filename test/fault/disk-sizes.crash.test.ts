import { randomBytes } from 'node:crypto'
import { connectWorkspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { WireWriter } from '../crash/wire-writer.ts'
import { joinery as command } from '../support/command.ts'
import { typeUntilHealth } from '../support/health.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { runSize } from '../support/run-size.ts'
import { smallDisk } from '../support/small-disk.ts'
import { until, within } from '../support/until.ts'

const SIZES = runSize('JOINERY_DISK_SIZES', { everyday: 2, nightly: 20 })
const FREE_BYTES_MIN = 16 * 1024
const FREE_BYTES_MAX = 2 * 1024 * 1024
/** Text that does not compress, so that the disk is full within seconds. */
const PASTE_BYTES = 6 * 1024
/** Sizes at which the first error comes in the write-ahead log, in a new one, in a table or in the manifest. */
const freeBytes = Array.from({ length: SIZES }, (_, index) =>
  Math.round(FREE_BYTES_MIN * (FREE_BYTES_MAX / FREE_BYTES_MIN) ** (index / Math.max(1, SIZES - 1))),
)

describe.each(
  freeBytes.map((free, index) => ({ free, durability: index % 2 === 0 ? ('sync' as const) : ('async' as const) })),
)('a disk with $free bytes left at durability $durability', ({ free, durability }) => {
  it('[T46] people are told that it is full, and once there is space everything goes on and nothing acknowledged is lost', async (context) => {
    await using disk = await smallDisk(context)
    const directory = `${disk.path}/data`
    await using joinery = await startJoinery({ directory, durability })
    const { url } = joinery
    const writer = new WireWriter(url, 'filling', 'ada')
    await using ben = {
      client: connectWorkspace({ url, workspace: 'filling', actor: 'ben' }),
      [Symbol.asyncDispose]: () => ben.client.close(),
    }
    const { client } = ben
    await client.whenSynced
    await disk.fill({ leaving: free })
    const pastes: { readonly entry: string; isDurable: boolean }[] = []
    const paste = () => {
      writer.type()
      const entry = randomBytes(PASTE_BYTES / 2).toString('hex')
      const made = { entry, isDurable: false }
      pastes.push(made)
      client.doc.getArray<string>('entries').push([entry])
      client.whenDurable().then(
        () => {
          made.isDurable = true
        },
        // The end of the test shows whether any is missing.
        () => undefined,
      )
    }
    const { body } = await within('storage fails', typeUntilHealth(url, 503, paste))
    expect(body).toMatchObject({ storage: 'failed', code: 'storage_full' })
    await until('ben is told', () => client.saveStatus.get().state === 'held')
    expect(client.saveStatus.get()).toMatchObject({ code: 'storage_full' })
    const said = () => [writer.ledger.acknowledged, pastes.filter(({ isDurable }) => isDurable).length]
    const before = said()
    paste()
    const { status } = await typeUntilHealth(url, 503, paste)
    expect([status, ...said()]).toEqual([503, ...before])

    await disk.empty()
    await within(
      'storage works again',
      typeUntilHealth(url, 200, () => writer.type()),
    )
    await client.whenDurable()
    await until('everything typed is acknowledged', () => writer.ledger.isAcknowledged)
    await joinery.child.end('SIGKILL')
    const entries = new Set((await readLog(directory)).get('filling'))
    const lost = [...writer.ledger.typed, ...pastes.map(({ entry }) => entry)].filter((entry) => !entries.has(entry))
    expect(lost.length).toBe(0)
    expect(entries.size).toBe(writer.ledger.typed.length + pastes.length)
    const verified = await command('verify', '--data', directory)
    expect(verified.exit, verified.output).toEqual({ code: 0, signal: null })
    await writer.stop()
  })
})
