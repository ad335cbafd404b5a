import { randomBytes } from 'node:crypto'
import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import type * as Y from 'yjs'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { runSize } from '../support/run-size.ts'
import { startSlowProxy } from '../support/slow-proxy.ts'
import { connectStock, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

/** Bytes per second, each way: a mobile network at the edge of its cell. Every day the same runs faster. */
const RATE = runSize('JOINERY_SLOW_RATE', { everyday: 1_000_000, nightly: 60_000 })
const CHARACTERS = 5_000_000

/** Sends a text, or gets one, through `url`. Resolves with the length that arrived. */
type Journey = (url: string, workspace: string, text?: string) => Promise<number>

const content = (doc: Y.Doc) => doc.getText('content')

const CLIENTS: Readonly<Record<string, Journey>> = {
  'y-websocket 3.1': async (url, workspace, text) => {
    using client = connectStock({ version: '3.1', url, workspace })
    if (text !== undefined) content(client.doc).insert(0, text)
    await within('it syncs', whenSynced(client))
    // The provider has no word for what the server has: it sends, and stays.
    if (text !== undefined) await whenArrived(workspace, text.length)
    return content(client.doc).length
  },
  SDK: async (url, workspace, text) => {
    const client = connectWorkspace({ url, workspace })
    if (text !== undefined) content(client.doc).insert(0, text)
    await client.whenSynced
    if (text !== undefined) await client.whenDurable()
    const { length } = content(client.doc)
    await client.close()
    return length
  },
}

let joinery: JoineryProcess

/** Resolves when the server has a text of this length. */
async function whenArrived(workspace: string, length: number): Promise<void> {
  using reader = connectStock({ version: '3.1', url: joinery.url, workspace })
  await until('it arrives', () => content(reader.doc).length === length)
}

async function travel(name: string, journey: (url: string) => Promise<number>): Promise<void> {
  await using proxy = await startSlowProxy(joinery.port, RATE)
  const startMs = performance.now()
  const length = await journey(proxy.url.replace('http', 'ws'))
  const seconds = (performance.now() - startMs) / 1_000
  console.log(`${name}: ${seconds.toFixed(1)} s, ${(seconds / (CHARACTERS / RATE)).toFixed(2)} times size / rate`)
  expect([name, length, proxy.connections]).toEqual([name, CHARACTERS, 1])
}

it('[T102] five megabytes go up and down a slow network on one connection, by a stock client and the SDK', async () => {
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: directory.path })
  joinery = server
  const text = randomBytes(CHARACTERS / 2).toString('hex')
  const clients = Object.entries(CLIENTS)
  const workspaceOf = (name: string) => name.replaceAll(/\W/g, '-')
  const up = clients.map(([name, go]) => travel(`${name} up`, (url) => go(url, workspaceOf(name), text)))
  await Promise.all(up)
  await Promise.all(clients.map(([name, go]) => travel(`${name} down`, (url) => go(url, workspaceOf(name)))))
})
