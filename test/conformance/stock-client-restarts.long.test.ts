import { describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectStock, STOCK_VERSIONS, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

const CLIENTS_AT_ONCE = 50
const EDITS_STORED = 3_000

const content = (doc: Y.Doc) => doc.getText('content')
const holds = (doc: Y.Doc, text: string) => () => content(doc).toString() === text

describe.concurrent.each(STOCK_VERSIONS)('y-websocket %s, over a restart of the server', (version) => {
  it('[T11] edits made while the server is down come up when it is back', async () => {
    await using home = await tempDirectory()
    const first = await startJoinery({ directory: home.path })
    using ada = connectStock({ version, url: first.url, workspace: 'restarted' })
    using ben = connectStock({ version, url: first.url, workspace: 'restarted' })
    await within('both sync', Promise.all([whenSynced(ada), whenSynced(ben)]))
    content(ada.doc).insert(0, 'before;')
    await until('ben holds the first edit', holds(ben.doc, 'before;'))
    await first.child.end('SIGTERM')
    await until('both notice', () => !ada.provider.wsconnected && !ben.provider.wsconnected)
    content(ada.doc).insert(7, 'while down;')
    await using second = await startJoinery({ directory: home.path, port: first.port })
    await until('ben holds what ada wrote', holds(ben.doc, 'before;while down;'))
    using late = connectStock({ version, url: second.url, workspace: 'restarted' })
    await within('a new client syncs', whenSynced(late))
    expect(content(late.doc).toString()).toBe('before;while down;')
  })

  it(`[T12] a stock client is told it is synced only when it holds what is stored, also when ${CLIENTS_AT_ONCE} join at once`, async () => {
    await using home = await tempDirectory()
    const first = await startJoinery({ directory: home.path })
    const writer = await RawClient.open({ url: first.url, path: 'loading', wantsJoinery: true })
    for (let edit = 0; edit < EDITS_STORED; edit++) content(writer.doc).insert(0, String(edit % 10))
    await until('all edits are durable', () => writer.framesDurable === writer.framesSent)
    const stored = content(writer.doc).toString()
    await first.child.end('SIGTERM')

    await using second = await startJoinery({ directory: home.path })
    const clients = Array.from({ length: CLIENTS_AT_ONCE }, () =>
      connectStock({ version, url: second.url, workspace: 'loading' }),
    )
    const heldAtSync = await within(
      'all are synced',
      Promise.all(clients.map((client) => whenSynced(client).then(() => content(client.doc).toString()))),
    )
    for (const held of heldAtSync) expect(held === stored).toBe(true)
    for (const client of clients) client[Symbol.dispose]()
  })
})
