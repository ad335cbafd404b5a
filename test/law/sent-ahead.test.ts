import { createBlock, forkDoc, getBlock } from '@joinery/blocks'
import { encodeUpdate, type RejectionCode } from '@joinery/protocol'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET, type TestClaims } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { blockOf } from './law-writers.ts'

interface SentAhead {
  readonly what: string
  readonly code: RejectionCode
  /** The edit that the forged one builds on. The server gets it after the forged one. */
  readonly base: (doc: Y.Doc) => void
  readonly forge: (doc: Y.Doc) => void
}

const RUN = { no: 1, id: 'r1', source: 'workflow_execution' }
const CLAIM = { index_name: 'words', run: RUN, status: 'done', source: 'user_action', actor: 'mallory', at: 1 }

function push(doc: Y.Doc, value: object): void {
  const list = blockOf(doc).map.get('indexingList')
  if (!(list instanceof Y.Array)) throw new Error('block b1 has no list')
  list.push([value])
}
const setList = (doc: Y.Doc, value: unknown) => blockOf(doc).map.set('indexingList', value)
const pushJunk = (doc: Y.Doc) => push(doc, { junk: 1 })

const ATTACKS: readonly SentAhead[] = [
  {
    what: "reports in the workflow's name",
    code: 'forbidden_actor',
    base: pushJunk,
    forge: (doc) => push(doc, { ...CLAIM, actor: 'robot' }),
  },
  {
    what: "reports in the workflow's name, in a plain array that replaces the list",
    code: 'forbidden_actor',
    base: (doc) => setList(doc, 'nothing'),
    forge: (doc) => setList(doc, [{ ...CLAIM, actor: 'robot' }]),
  },
  {
    what: 'gives the run another source',
    code: 'foreign_run',
    base: pushJunk,
    forge: (doc) => push(doc, { ...CLAIM, run: { ...RUN, source: 'user_action' } }),
  },
]

it.each(ATTACKS)(
  '[T68] an update that $what is refused, and what is shown stays, when it comes before what it builds on',
  async ({ code, base, forge }) => {
    await using directory = await tempDirectory()
    await using server = await startJoinery({ directory: directory.path, env: { JOINERY_JWT_SECRET: SECRET } })
    const enter = async (claims: TestClaims) =>
      RawClient.open({ url: server.url, path: 'w', query: { token: await makeToken(claims) }, wantsJoinery: true })
    const untilDurable = (client: RawClient) =>
      until('the edit is durable', () => client.framesDurable === client.framesSent)
    const robot = await enter({ sub: 'robot', sources: ['workflow_execution'] })
    const author = { source: 'workflow_execution', actor: 'robot' } as const
    createBlock(robot.doc, 'b1', { type: 'text' }).indexingList.startRun('words', { ...author, runId: 'r1' })
    await untilDurable(robot)
    const shown = getBlock(robot.doc, 'b1')?.toJSON()

    const doc = forkDoc(robot.doc)
    const known = Y.encodeStateVector(doc)
    doc.transact(() => base(doc))
    const first = Y.encodeStateAsUpdate(doc, known)
    const based = Y.encodeStateVector(doc)
    doc.transact(() => forge(doc))
    const second = Y.encodeStateAsUpdate(doc, based)

    const mallory = await enter({ sub: 'mallory' })
    mallory.sendUpdateFrame(encodeUpdate(second))
    mallory.sendUpdateFrame(encodeUpdate(first))
    await until(
      'mallory is answered',
      () => mallory.rejections.length > 0 || mallory.framesDurable === mallory.framesSent,
    )
    expect(mallory.rejections.map((rejection) => rejection.code)).toEqual([code])
    const newcomer = await enter({ sub: 'ben' })
    expect(getBlock(newcomer.doc, 'b1')?.toJSON()).toEqual(shown)
    await Promise.all([robot, mallory, newcomer].map((client) => client.close()))
  },
)
