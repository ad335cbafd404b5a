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
import { makeToken, SECRET } from '../support/tokens.ts'
import { until, within } from '../support/until.ts'

const ENV = { JOINERY_JWT_SECRET: SECRET }
let directory: TempDirectory
let joinery: JoineryProcess
let workspaceCount = 0

beforeAll(async () => {
  directory = await tempDirectory()
  joinery = await startJoinery({ directory: directory.path, env: ENV })
})

afterAll(async () => {
  await joinery[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

const newWorkspace = () => `honest-${++workspaceCount}`

async function connect(version: StockVersion, workspace: string, doc?: Y.Doc, sub = 'ada'): Promise<StockClient> {
  const params = { token: await makeToken({ sub }) }
  const client = connectStock({ version, url: joinery.url, workspace, params, ...(doc && { doc }) })
  await within(`y-websocket ${version} syncs`, whenSynced(client))
  return client
}

const isSame = (left: Y.Doc, right: Y.Doc) => () => Y.equalSnapshots(Y.snapshot(left), Y.snapshot(right))

describe.each(STOCK_VERSIONS)('y-websocket %s', (version) => {
  it('[T97] a client id of 53 bits writes text, blocks, types and presence, over reconnects, as any other does', async () => {
    for (const id of [2 ** 40, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 2 ** 51 - 1, 2 ** 52 + 2 ** 51, 2 ** 53 - 1]) {
      const workspace = newWorkspace()
      const doc = new Y.Doc()
      doc.clientID = id
      using ada = await connect(version, workspace, doc)
      using ben = await connect(version, workspace, undefined, 'ben')
      ada.provider.awareness.setLocalState({ name: 'ada' })
      doc.getMap('blocks').set('bare', new Y.Map([['id', 'bare']]))
      doc.getText('t').insert(0, 'typed')
      doc.getText('t').insert(5, ' on')
      doc.getXmlFragment('x').insert(0, [new Y.XmlElement('p')])
      doc.getXmlFragment('x').delete(0, 1)
      await until('ben has it all', isSame(doc, ben.doc))
      await until('ben sees ada', () => ben.provider.awareness.getStates().get(id)?.name === 'ada')
      ada.provider.disconnect()
      doc.getText('t').insert(0, 'offline ')
      ada.provider.connect()
      await until('ben has what was typed offline', isSame(doc, ben.doc))
      expect(ada.provider.wsconnected).toBe(true)
    }
  })

  it('[T97] a first upload of many client ids, odd keys and deep nesting is taken', async () => {
    const doc = new Y.Doc()
    for (let i = 0; i < 1_500; i++) {
      doc.clientID = 1_000 + i
      doc.getText('t').insert(0, 'x')
    }
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      doc.getMap('data').set(key, [{ [key]: 'own' }])
      doc.getMap(key).set('a', 1)
      doc.getText('t').insert(0, 'y', { [key]: true })
    }
    let map = doc.getMap<unknown>('deep')
    for (let level = 0; level < 120; level++) map = map.set('n', new Y.Map())
    doc.getMap('data').set('json', JSON.parse(`${'['.repeat(120)}${']'.repeat(120)}`))
    const workspace = newWorkspace()
    using ada = await connect(version, workspace, doc)
    using ben = await connect(version, workspace, undefined, 'ben')
    await until('ben has it all', isSame(doc, ben.doc))
    ben.doc.getText('t').insert(0, 'and more')
    await until('ada has what ben typed', isSame(doc, ben.doc))
    expect([ada.provider.wsconnected, ben.provider.wsconnected]).toEqual([true, true])
  })

  it('[T97] a nested type that is made while the socket reconnects, on top of offline edits, is kept', async () => {
    const edits: ((doc: Y.Doc, n: number) => unknown)[] = [
      (doc, n) => {
        const paragraph = new Y.XmlElement('p')
        paragraph.insert(0, [new Y.XmlText(`line ${n}`)])
        return doc.getXmlFragment('x').insert(n, [paragraph])
      },
      (doc, n) => (doc.getMap('m').get('outer') as Y.Map<unknown> | undefined)?.set(`inner ${n}`, new Y.Map()),
      (doc, n) => doc.getMap('m').set('outer', new Y.Map([[`first ${n}`, new Y.Text('typed')]])),
    ]
    for (const edit of edits) {
      const workspace = newWorkspace()
      using ada = await connect(version, workspace)
      using ben = await connect(version, workspace, undefined, 'ben')
      ada.doc.getMap('m').set('outer', new Y.Map())
      for (const n of [0, 1]) edit(ada.doc, n)
      await until('ben has it all', isSame(ada.doc, ben.doc))
      ada.provider.disconnect()
      edit(ada.doc, 2)
      ada.doc.getMap('m').set('outer', new Y.Map())
      ada.provider.connect()
      // y-websocket sends what is typed as soon as the socket is open, before it has answered SyncStep1.
      await within(
        'the socket is open',
        new Promise<void>((resolve) => {
          ada.provider.on('status', ({ status }: { status: string }) => {
            if (status !== 'connected') return
            edit(ada.doc, 3)
            resolve()
          })
        }),
      )
      await until('ben has what was made meanwhile', isSame(ada.doc, ben.doc))
      expect(ada.provider.wsconnected).toBe(true)
    }
  })
})
