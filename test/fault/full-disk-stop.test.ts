import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { WireWriter } from '../crash/wire-writer.ts'
import { typeUntilHealth } from '../support/health.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { smallDisk } from '../support/small-disk.ts'
import { until, within } from '../support/until.ts'

const ENTRIES = 50

describe('a server on a full disk', () => {
  it.for([
    { durability: 'async', when: 'writes fail already' },
    { durability: 'sync', when: 'nobody has noticed yet' },
  ] as const)(
    '[T84] it ends with 1 and the reason when it is told to stop, with all that it acknowledged, at $durability when $when',
    async ({ durability, when }, context) => {
      await using disk = await smallDisk(context)
      const options = { directory: `${disk.path}/data`, durability }
      await using joinery = await startJoinery(options)
      const writer = new WireWriter(joinery.url, 'w', 'ada')
      for (let entry = 0; entry < ENTRIES; entry++) writer.type()
      await until('all is acknowledged', () => writer.ledger.isAcknowledged)
      await disk.fill()
      const type = () => writer.type()
      if (when === 'writes fail already') await within('storage fails', typeUntilHealth(joinery.url, 503, type))
      const exit = await within('it ends', joinery.child.end('SIGTERM'))
      expect(exit, joinery.child.output()).toEqual({ code: 1, signal: null })
      expect(joinery.child.output()).toContain('no room left to write')
      await writer.stop()
      await disk.empty()
      const { acknowledged, typed } = writer.ledger
      expect((await readLog(options.directory)).get('w')?.slice(0, acknowledged)).toEqual(typed.slice(0, acknowledged))
    },
  )
})
