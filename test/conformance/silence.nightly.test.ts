import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { connectStock, STOCK_VERSIONS, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

/**
 * A stock client looks every 3 s and hangs up after 30 s without a data frame: 36 s of silence decide. `JOINERY_LONG=1`
 * makes it two minutes. This is real time, since the limit stands in the client, which is tested as it is.
 */
const SILENCE_MS = process.env.JOINERY_LONG === '1' ? 120_000 : 36_000

describe.concurrent('silent stock clients', () => {
  it.each(STOCK_VERSIONS)(
    '[T14] y-websocket %s without awareness stays connected when nobody says anything',
    async (version) => {
      await using directory = await tempDirectory()
      await using joinery = await startJoinery({ directory: directory.path })
      using silent = connectStock({ version, url: joinery.url, workspace: 'silent' })
      let closed = 0
      silent.provider.awareness.setLocalState(null)
      silent.provider.on('connection-close', () => closed++)
      await within('the silent client syncs', whenSynced(silent))
      // The one wait in these tests that is for time itself: the claim is about a stretch of time.
      await delay(SILENCE_MS)
      expect(closed).toBe(0)
      silent.doc.getText('content').insert(0, 'still here')
      using other = connectStock({ version, url: joinery.url, workspace: 'silent' })
      await within('another client syncs', whenSynced(other))
      await until('the silent client is heard', () => other.doc.getText('content').toString() === 'still here')
    },
  )
})
