import { createServer } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { Yjs14Client } from '../support/other-yjs.ts'
import { connectStock, STOCK_VERSIONS, whenSynced } from '../support/stock-client.ts'
import { until, within } from '../support/until.ts'

/** Refusals after which a client may still come back at once. */
const REFUSALS = 2
/** So long that a client which has to wait is still waiting at the end of a test, however slow the machine is. */
const HOUR_MS = 3_600_000
/** An update frame whose bytes are no update. */
const NONSENSE = Uint8Array.of(0, 2, 3, 1, 1, 1)

/** The part of a provider of any version that a test needs to have it refused. */
interface Refusable extends Disposable {
  readonly provider: {
    readonly ws: { send(bytes: Uint8Array): void } | null
    readonly wsconnected: boolean
    on(event: 'status', listener: (change: { readonly status: string }) => void): void
  }
}

const VERSIONS: Readonly<Record<string, (url: string) => Refusable>> = {
  ...Object.fromEntries(
    STOCK_VERSIONS.map((version) => [
      `y-websocket ${version}`,
      (url: string) => connectStock({ version, url, workspace: 'refused' }) as unknown as Refusable,
    ]),
  ),
  '@y/websocket 4': (url) => new Yjs14Client({ url, workspace: 'refused' }) as unknown as Refusable,
}

describe.concurrent.each(Object.entries(VERSIONS))('%s', (name, connect) => {
  it('[T103] that is refused again and again is slowed down, and disturbs nobody', async () => {
    const limits = { refusalsMax: REFUSALS, refusalMs: HOUR_MS, refusedDelayMaxMs: HOUR_MS }
    const server = createServer({ limits })
    await server.listen()
    const url = server.url.replace('http', 'ws')
    try {
      using client = connect(url)
      const { provider } = client
      let opened = 0
      provider.on('status', ({ status }) => {
        if (status !== 'connected') return
        opened++
        provider.ws?.send(NONSENSE)
      })
      // y-websocket 3.1 takes the first refusal for final. The others come back until they have to wait.
      const isFinal = name === 'y-websocket 3.1'
      const refusals = isFinal ? 1 : REFUSALS + 1
      await until('it was refused for the last time', () => opened === refusals && !provider.wsconnected)
      if (!isFinal) await until('it tries again', () => provider.ws !== null)
      using bystander = connectStock({ version: '2.1', url, workspace: 'other' })
      await within('a bystander syncs', whenSynced(bystander))
      bystander.doc.getText('t').insert(0, 'undisturbed')
      using reader = connectStock({ version: '2.1', url, workspace: 'other' })
      await until('a reader has it', () => reader.doc.getText('t').toString() === 'undisturbed')
      expect([opened, provider.wsconnected]).toEqual([refusals, false])
    } finally {
      await server.close()
    }
  })
})
