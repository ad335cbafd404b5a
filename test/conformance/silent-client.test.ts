import { describe, expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { connectStock, STOCK_VERSIONS, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

/**
 * A stock client looks every 3 s and hangs up after 30 s without a data frame, so 36 s decide. `JOINERY_LONG=1` gives the
 * server two minutes to make a mistake in. Real time, since the limit stands in the client and is not to be touched.
 */
const SILENCE_MS = process.env.JOINERY_LONG === '1' ? 120_000 : 36_000

describe('silent stock clients', () => {
  it(
    '[T14] a stock client without awareness stays connected when nobody says anything',
    async () => {
      await using directory = await tempDirectory()
      await using joinery = await startJoinery({ directory: directory.path })
      const clients = STOCK_VERSIONS.map((version) =>
        connectStock({ version, url: joinery.url, workspace: `silent-${version}` }),
      )
      let closed = 0
      for (const { provider } of clients) {
        provider.awareness.setLocalState(null)
        provider.on('connection-close', () => closed++)
      }
      await within('both sync', Promise.all(clients.map(whenSynced)))
      // The one wait in these tests that is for time itself: the claim is about a stretch of time.
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS))
      expect(closed).toBe(0)
      for (const { doc } of clients) doc.getText('content').insert(0, 'still here')
      for (const [index, version] of STOCK_VERSIONS.entries()) {
        using other = connectStock({ version, url: joinery.url, workspace: `silent-${version}` })
        await until(`the silent client ${index} is heard`, () => other.doc.getText('content').length > 0)
      }
      for (const client of clients) client[Symbol.dispose]()
    },
    SILENCE_MS + 30_000,
  )
})
