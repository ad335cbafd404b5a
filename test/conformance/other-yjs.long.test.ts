import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { OTHER_CLIENTS, type OtherClient, type OtherOptions, Yjs14Client } from '../support/other-yjs.ts'
import { connectStock, type StockClient, whenSynced } from '../support/stock-client.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until, within } from '../support/until.ts'

let directory: TempDirectory
let joinery: JoineryProcess
let workspaceCount = 0

beforeAll(async () => {
  directory = await tempDirectory()
  joinery = await startJoinery({ directory: directory.path, env: { JOINERY_JWT_SECRET: SECRET } })
})

afterAll(async () => {
  await joinery[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

const newWorkspace = () => `other-${++workspaceCount}`
const content = ({ doc }: StockClient) => doc.getText('content')

async function stock(workspace: string): Promise<StockClient> {
  const client = connectStock({
    version: '3.1',
    url: joinery.url,
    workspace,
    params: { token: await makeToken({ sub: 'ben' }) },
  })
  await within('the stock client syncs', whenSynced(client))
  return client
}

/** Whether a client of another implementation and one of Yjs 13 have the same state and show the same. */
function isSame(other: OtherClient, { doc }: StockClient): boolean {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, other.state())
  const shown = (each: Y.Doc) => [each.getText('content').toString(), each.getMap('map').toJSON()]
  return Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(doc)) && isDeepStrictEqual(shown(copy), shown(doc))
}

describe.concurrent.each(Object.entries(OTHER_CLIENTS))('%s', (_name, connect) => {
  async function enter(options: Partial<OtherOptions> & { workspace: string }): Promise<OtherClient> {
    const params = { token: await makeToken({ sub: 'ada' }) }
    const client = connect({ url: joinery.url, params, ...options })
    await until('it syncs', () => client.isSynced)
    return client
  }

  it('[T100] holds the same as a client of Yjs 13 when both have written', async () => {
    const workspace = newWorkspace()
    using ada = await enter({ workspace })
    using ben = await stock(workspace)
    ada.insert(0, 'hello')
    await until('ben holds what ada wrote', () => content(ben).toString() === 'hello')
    content(ben).insert(5, ' world')
    content(ben).delete(0, 1)
    ben.doc.getMap('map').set('by', 'ben')
    await until('ada holds what ben wrote', () => ada.text() === 'ello world')
    ada.delete(0, 1)
    ada.set('also', 'ada')
    ada.nest('nested', 'deep')
    await until('both hold the same', () => isSame(ada, ben) && content(ben).toString() === 'llo world')
    expect(ben.doc.getMap('map').toJSON()).toEqual({ by: 'ben', also: 'ada', nested: 'deep' })
    using late = await enter({ workspace })
    await until('a newcomer holds the same', () => isSame(late, ben))
  })

  it('[T100] sends its offline edits when it reconnects', async () => {
    const workspace = newWorkspace()
    using ada = await enter({ workspace })
    using ben = await stock(workspace)
    ada.insert(0, 'online;')
    await until('ben holds it', () => content(ben).toString() === 'online;')
    ada.disconnect()
    await until('it is off', () => !ada.isConnected)
    ada.insert(7, 'offline;')
    ada.nest('made', 'offline')
    content(ben).insert(0, 'meanwhile;')
    ada.connect()
    await until('both hold all', () => isSame(ada, ben) && ada.text() === 'meanwhile;online;offline;')
  })

  it('[T100] stays connected and sees what is new when it may only read and has edited', async () => {
    const workspace = newWorkspace()
    using ben = await stock(workspace)
    content(ben).insert(0, 'theirs')
    using eve = await enter({ workspace, params: { token: await makeToken({ sub: 'eve', access: 'read' }) } })
    await until('eve reads', () => eve.text() === 'theirs')
    eve.insert(0, 'stray ')
    content(ben).insert(6, ' and more')
    await until('eve reads on', () => eve.text().endsWith('theirs and more'))
    expect([content(ben).toString(), eve.isConnected]).toEqual(['theirs and more', true])
    expect(eve.closeCodes).toEqual([])
  })

  it('[T100] is refused without a token', async () => {
    using stranger = connect({ url: joinery.url, workspace: newWorkspace() })
    await until('it tries', () => stranger.closeCodes.length > 0)
    expect(stranger.isSynced).toBe(false)
  })
})

describe('presence of a client of Yjs 14', () => {
  it('[T100] is seen by a client of Yjs 13, sees its, and ends with the connection', async () => {
    const workspace = newWorkspace()
    using ben = await stock(workspace)
    using ada = new Yjs14Client({ url: joinery.url, workspace, params: { token: await makeToken() } })
    await until('it syncs', () => ada.isSynced)
    ada.provider.awareness.setLocalStateField('user', { name: 'Ada' })
    ben.provider.awareness.setLocalStateField('user', { name: 'Ben' })
    const seenByBen = () => ben.provider.awareness.getStates().has(ada.doc.clientID)
    await until('both see each other', () => seenByBen() && ada.provider.awareness.getStates().has(ben.doc.clientID))
    ada.disconnect()
    await until('ada is gone', () => !seenByBen())
  })
})
