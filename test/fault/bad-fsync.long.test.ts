import { readFile } from 'node:fs/promises'
import { connectWorkspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { WireWriter } from '../crash/wire-writer.ts'
import { Writers } from '../crash/writers.ts'
import { breakFsync } from '../support/bad-fsync.ts'
import { joinery as command } from '../support/command.ts'
import { healthOf, typeUntilHealth } from '../support/health.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

const SLOW_MS = 200
/** How much a server may grow while a thousand edits wait for an fsync, at a few hundred bytes each. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

describe.each(['async', 'sync'] as const)('a disk whose fsync fails at durability %s', (durability) => {
  it('[T49] nothing is acknowledged from then on, people are told why, and all goes on by itself once it works', async (context) => {
    await using home = await tempDirectory()
    await using joinery = await startJoinery({ directory: home.path, durability })
    const { url } = joinery
    const writer = new WireWriter(url, 'typed', 'ada')
    await using sdk = {
      client: connectWorkspace({ url, workspace: 'typed', actor: 'ben' }),
      [Symbol.asyncDispose]: () => sdk.client.close(),
    }
    const status = () => sdk.client.saveStatus.get()
    sdk.client.doc.getArray('entries').push(['ben:0'])
    writer.type()
    await sdk.client.whenDurable()
    await until('ada is acknowledged', () => writer.ledger.isAcknowledged)

    await using fault = await breakFsync(context, joinery.child.pid, { error: 'EIO' })
    const failed = await within(
      'storage fails',
      typeUntilHealth(url, 503, () => writer.type()),
    )
    expect(failed.body).toMatchObject({ storage: 'failed', code: 'storage_failed' })
    const { acknowledged } = writer.ledger
    await until('ben is told', () => status().state === 'held')
    expect(status()).toMatchObject({ code: 'storage_failed', reason: expect.stringMatching(/\w/) })
    sdk.client.doc.getArray('entries').push(['ben:1'])
    const durable = sdk.client.whenDurable()
    writer.type()
    // Stored text can be read. The reader's answer comes after any acknowledgement that the server has sent.
    const reader = await RawClient.open({ url, path: 'typed' })
    expect(reader.doc.getArray('entries').toArray()).toContain('ben:0')
    await reader.close()
    expect(writer.ledger.acknowledged).toBe(acknowledged)
    expect(writer.ledger.isAcknowledged).toBe(false)

    await fault.lift()
    await within(
      'storage works again',
      typeUntilHealth(url, 200, () => writer.type()),
    )
    await Promise.all([durable, until('all of ada is acknowledged', () => writer.ledger.isAcknowledged)])
    await until('ben sees it', () => status().state === 'saved')
    await joinery.child.end('SIGKILL')
    const entries = (await readLog(home.path)).get('typed')
    expect([...(entries ?? [])].sort()).toEqual([...writer.ledger.typed, 'ben:0', 'ben:1'].sort())
    const verified = await command('verify', '--data', home.path)
    expect(verified.exit, verified.output).toEqual({ code: 0, signal: null })
    await writer.stop()
  })
})

describe('a disk whose fsync is slow', () => {
  it(`[T70] typing is forwarded before it is acknowledged, and memory stays within bounds, when each takes ${SLOW_MS} ms`, async (context) => {
    await using home = await tempDirectory()
    await using joinery = await startJoinery({ directory: home.path, durability: 'sync' })
    const writers = new Writers(joinery.url, seededRandom(1))
    writers.startTyping()
    const isEverybodyHeard = () => writers.all.every(({ ledger }) => ledger.acknowledged > 0)
    await until('everybody was acknowledged something', isEverybodyHeard)
    const before = await residentBytes(joinery.child.pid)
    await using fault = await breakFsync(context, joinery.child.pid, { delayMs: SLOW_MS })
    const ada = new WireWriter(joinery.url, 'watched', 'ada')
    const ben = await RawClient.open({ url: joinery.url, path: 'watched' })
    const entries = ben.doc.getArray<string>('entries')
    let early = 0
    for (let round = 0; round < 10; round++) {
      ada.type()
      await until('ben holds it', () => entries.length === ada.ledger.typed.length)
      if (!ada.ledger.isAcknowledged) early++
      await until('ada is acknowledged', () => ada.ledger.isAcknowledged)
    }
    // The first edit may have to wait for its connection. No other waits for the disk before others see it.
    expect(early).toBeGreaterThan(5)
    expect((await residentBytes(joinery.child.pid)) - before).toBeLessThan(GROWTH_BYTES_MAX)
    expect((await healthOf(joinery.url)).body.storage).toBe('open')
    writers.stopTyping()
    await writers.settle(joinery.url)
    await fault.lift()
    await joinery.child.end('SIGKILL')
    writers.expectAcknowledged(await readLog(home.path))
    await Promise.all([writers.stop(), ada.stop(), ben.close()])
  })
})
