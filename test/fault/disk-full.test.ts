import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { WireWriter } from '../crash/wire-writer.ts'
import { typeUntilHealth } from '../support/health.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { smallDisk } from '../support/small-disk.ts'
import { until, within } from '../support/until.ts'

/** Entries typed between two looks at the server's health. */
const BURST = 50

/** Types {@link BURST} entries. */
const typeBurst = (writer: WireWriter) => () => {
  for (let entry = 0; entry < BURST; entry++) writer.type()
}

describe.each(['async', 'sync'] as const)('a disk that fills up at durability %s', (durability) => {
  it('[T46] nothing is acknowledged while the disk is full, all is once there is space, and nothing acknowledged is lost', async (context) => {
    await using disk = await smallDisk(context)
    const options = { directory: `${disk.path}/data`, durability }
    await using joinery = await startJoinery(options)
    const writer = new WireWriter(joinery.url, 'filling', 'ada')
    const other = new WireWriter(joinery.url, 'other', 'ben')
    other.type()
    writer.type()
    await until('both are acknowledged', () => other.ledger.isAcknowledged && writer.ledger.isAcknowledged)

    await disk.fill()
    await within('storage fails', typeUntilHealth(joinery.url, 503, typeBurst(writer)))
    const acknowledged = writer.ledger.acknowledged
    expect(acknowledged).toBeLessThan(writer.ledger.typed.length)
    // Reading a document needs no disk that takes writes.
    const reader = await RawClient.open({ url: joinery.url, path: 'other' })
    expect(reader.doc.getArray('entries').toArray()).toEqual(other.ledger.typed)
    typeBurst(writer)()
    other.type()
    // The server answered the reader after it had read the writers' frames: an acknowledgement would be here by now.
    await (await RawClient.open({ url: joinery.url, path: 'filling' })).close()
    expect(writer.ledger.acknowledged).toBe(acknowledged)
    expect(other.ledger.isAcknowledged).toBe(false)

    await disk.empty()
    await within('storage works again', typeUntilHealth(joinery.url, 200, typeBurst(writer)))
    await until('everything typed is acknowledged', () => writer.ledger.isAcknowledged && other.ledger.isAcknowledged)
    await joinery.child.end('SIGKILL')
    const entries = await readLog(options.directory)
    expect(entries.get('filling')).toEqual(writer.ledger.typed)
    expect(entries.get('other')).toEqual(other.ledger.typed)
    await reader.close()
    await Promise.all([writer.stop(), other.stop()])
  })
})
