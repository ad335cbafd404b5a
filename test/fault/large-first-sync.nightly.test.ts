import { createBlock } from '@joinery/blocks'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { startAttacked } from '../attacks/measure.ts'
import { freePort } from '../support/free-port.ts'
import { connectStock, type StockClient, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const BLOCKS = 50_000

/** The document of an application that has worked without this server so far: some 450,000 structs. */
function largeDocument(isNamed: boolean): Y.Doc {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let made = 0; made < BLOCKS; made++) {
      const block = isNamed ? createBlock(doc, `block-${made}`, { type: 'text' }) : createBlock(doc, { type: 'text' })
      block.content.insert(0, 'Text')
      block.data.set('title', made)
    }
  })
  return doc
}

function clocksOf({ doc }: StockClient): Map<number, number> {
  return Y.decodeStateVector(Y.encodeStateVector(doc))
}

it.each([
  ['random', false],
  ['named', true],
] as const)(
  '[S242] the first sync of a workspace of 50,000 %s blocks is taken in turns, and a newcomer has all of it',
  async (_kind, isNamed) => {
    await using directory = await tempDirectory()
    const port = await freePort()
    await using server = await startAttacked(directory.path, port)
    const enter = async (sub: string, doc = new Y.Doc()): Promise<StockClient> => {
      const client = connectStock({
        version: '3.1',
        url: server.url,
        workspace: 'large',
        doc,
        params: { token: await makeToken({ sub }) },
      })
      await whenSynced(client)
      return client
    }
    using ben = await enter('ben')
    using ada = await enter('ada', largeDocument(isNamed))
    const sizeOf = ({ doc }: StockClient): number => doc.getMap('blocks').size
    await until('ben has all blocks', () => sizeOf(ben) === BLOCKS)
    ben.doc.getText('t').insert(0, 'x')
    await until('ada has what ben has typed', () => ada.doc.getText('t').length === 1)
    using eve = await enter('eve')
    // A large answer comes in parts: a stock client calls itself synced after the first.
    const clocks = clocksOf(ada)
    const lacking = (): number =>
      [...clocks].filter(([client, clock]) => Y.getState(eve.doc.store, client) !== clock).length
    await until('eve has all of it', () => lacking() === 0)
    expect(sizeOf(eve)).toBe(BLOCKS)
  },
)
