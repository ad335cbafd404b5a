import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import {
  connectStock,
  STOCK_VERSIONS,
  type StockClient,
  type StockVersion,
  whenSynced,
} from '../support/stock-client.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

let directory: TempDirectory
let joinery: JoineryProcess
let workspaceCount = 0

beforeAll(async () => {
  directory = await tempDirectory()
  joinery = await startJoinery({ directory: directory.path })
})

afterAll(async () => {
  await joinery[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

const newWorkspace = () => `conformance-${++workspaceCount}`
const content = (doc: Y.Doc) => doc.getText('content')
const holds = (doc: Y.Doc, text: string) => () => content(doc).toString() === text

async function connect(version: StockVersion, workspace: string): Promise<StockClient> {
  const client = connectStock({ version, url: joinery.url, workspace })
  await within(`y-websocket ${version} syncs`, whenSynced(client))
  return client
}

describe.concurrent.each(STOCK_VERSIONS)('y-websocket %s', (version) => {
  it('[T10] two stock clients hold the same document when both have written', async () => {
    const workspace = newWorkspace()
    using ada = await connect(version, workspace)
    using ben = await connect(version, workspace)
    content(ada.doc).insert(0, 'hello')
    await until('ben holds what ada wrote', holds(ben.doc, 'hello'))
    content(ben.doc).insert(5, ' world')
    content(ben.doc).delete(0, 1)
    ben.doc.getMap('edges').set('e1', { source: 'a', target: 'b' })
    await until('ada holds what ben wrote', holds(ada.doc, 'ello world'))
    await until('ada holds the edge', () => ada.doc.getMap('edges').has('e1'))
    expect(ada.doc.toJSON()).toEqual(ben.doc.toJSON())
    expect(Y.encodeStateVector(ada.doc)).toEqual(Y.encodeStateVector(ben.doc))
  })

  it('[T10] a stock client syncs when the workspace name has segments', async () => {
    const workspace = `acme/notes/${newWorkspace()}`
    using ada = await connect(version, workspace)
    content(ada.doc).insert(0, 'in a folder')
    using ben = await connect(version, workspace)
    await until('ben holds what ada wrote', holds(ben.doc, 'in a folder'))
  })

  it('[T11] edits made offline come up when the stock client reconnects', async () => {
    const workspace = newWorkspace()
    using ada = await connect(version, workspace)
    using ben = await connect(version, workspace)
    content(ada.doc).insert(0, 'online;')
    await until('ben holds the online edit', holds(ben.doc, 'online;'))
    ada.provider.disconnect()
    content(ada.doc).insert(7, 'ada offline;')
    content(ben.doc).insert(0, 'ben meanwhile;')
    ada.provider.connect()
    const all = 'ben meanwhile;online;ada offline;'
    await until('ben holds the offline edit', holds(ben.doc, all))
    await until('ada holds what she missed', holds(ada.doc, all))
  })

  it('[T13] who is present is seen by others and gone when the client leaves', async () => {
    const workspace = newWorkspace()
    using ada = await connect(version, workspace)
    using ben = await connect(version, workspace)
    const adaSeenBy = ({ provider }: StockClient) => provider.awareness.getStates().get(ada.doc.clientID)
    ada.provider.awareness.setLocalStateField('user', { name: 'Ada' })
    await until('ben sees ada', () => adaSeenBy(ben)?.user?.name === 'Ada')
    using late = await connect(version, workspace)
    await until('one who joins later sees ada', () => adaSeenBy(late)?.user?.name === 'Ada')
    ada.provider.disconnect()
    await until('ada is gone for both', () => adaSeenBy(ben) === undefined && adaSeenBy(late) === undefined)
    ada.provider.connect()
    ada.provider.awareness.setLocalStateField('cursor', 3)
    await until('ada is back', () => adaSeenBy(ben)?.cursor === 3)
  })

  it('[T13] who is present is gone when its socket breaks without a word', async () => {
    const workspace = newWorkspace()
    using ada = await connect(version, workspace)
    using ben = await connect(version, workspace)
    const isAdaSeen = () => ben.provider.awareness.getStates().has(ada.doc.clientID)
    // A state that was never changed has clock 0. y-protocols thinks that it knows such a state already.
    ada.provider.awareness.setLocalStateField('user', { name: 'Ada' })
    await until('ben sees ada', isAdaSeen)
    ada.provider.shouldConnect = false
    cutSocket(ada)
    await until('ada is gone', () => !isAdaSeen())
  })
})

describe.concurrent('mixed stock versions', () => {
  it('[T10] clients of different stock versions converge when all write at once', async () => {
    const workspace = newWorkspace()
    const versions = [...STOCK_VERSIONS, ...STOCK_VERSIONS]
    const clients = await Promise.all(versions.map((version) => connect(version, workspace)))
    const words = clients.map((_, index) => `<client ${index}>`)
    for (const [index, { doc }] of clients.entries()) content(doc).insert(0, words[index] ?? '')
    const holdsAll = ({ doc }: StockClient) => words.every((word) => content(doc).toString().includes(word))
    await until('everybody holds every word', () => clients.every(holdsAll))
    expect(new Set(clients.map(({ doc }) => content(doc).toString())).size).toBe(1)
    for (const client of clients) client[Symbol.dispose]()
  })
})

/** Breaks the connection as a dying process or network would: no close frame, no awareness goodbye. */
function cutSocket({ provider }: StockClient): void {
  const socket = provider.ws
  if (socket === null || !('terminate' in socket) || typeof socket.terminate !== 'function') {
    throw new Error('the provider has no socket of `ws` to cut')
  }
  socket.terminate()
}
