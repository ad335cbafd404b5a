import { createBlock, getBlock } from '@joinery/blocks'
import { CLOSE, encodeUpdate } from '@joinery/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { type Scene, setScene } from '../support/scene.ts'
import { makeToken, SECRET, type TestClaims } from '../support/tokens.ts'
import { until, within } from '../support/until.ts'
import { HOSTILE_UPDATES } from './hostile-updates.ts'
import { readHistory } from './law-log.ts'

// One who is refused again and again has to wait, and here one client is refused by every rule.
const ENV = { JOINERY_JWT_SECRET: SECRET, JOINERY_LIMITS: 'refusalsMax=1000' }
const path = 'law'
let scene: Scene
let ada: RawClient
let typed = 0

async function enter(url: string, claims: TestClaims, wantsJoinery = true): Promise<RawClient> {
  return RawClient.open({ url, path, query: { token: await makeToken(claims) }, wantsJoinery })
}

const untilDurable = (client: RawClient) =>
  until('the edit is durable', () => client.framesDurable === client.framesSent)

beforeAll(async () => {
  scene = await setScene({ env: ENV, token: await makeToken() })
  ada = await enter(scene.url, { sub: 'ada' })
  createBlock(ada.doc, 'b1', { type: 'text' }).content.insert(0, 'intact')
  await untilDurable(ada)
  const robot = await enter(scene.url, { sub: 'robot', sources: ['workflow_execution'] })
  const author = { source: 'workflow_execution', actor: 'robot' } as const
  getBlock(robot.doc, 'b1')?.indexingList.startRun('words', { ...author, runId: 'r1' })
  await untilDurable(robot)
  await robot.close()
  await until('ada sees the run', () => getBlock(ada.doc, 'b1')?.indexingList.get('words') !== undefined)
})

afterAll(() => scene?.[Symbol.asyncDispose]())

/** Ada goes on as if nothing had happened, and a newcomer is given what she has and no more. */
async function expectUndisturbed(before: unknown): Promise<void> {
  expect(getBlock(ada.doc, 'b1')?.toJSON()).toEqual(before)
  getBlock(ada.doc, 'b1')?.content.insert(6, String(typed++ % 10))
  await untilDurable(ada)
  const newcomer = await enter(scene.url, { sub: 'ben' })
  expect(Y.encodeStateAsUpdate(newcomer.doc)).toEqual(Y.encodeStateAsUpdate(ada.doc))
  await newcomer.close()
}

function closeOf(code: string): number {
  if (code === 'bad_update') return CLOSE.badFrame
  if (code === 'too_large') return CLOSE.tooLarge
  return code === 'client_id_owned' ? CLOSE.refusedForNow : CLOSE.forbidden
}

describe('what a document refuses', () => {
  it.each(HOSTILE_UPDATES)(
    '[T60] an update that $what is refused whole, by its code, when it comes to the real server',
    async ({ make, code }) => {
      const before = getBlock(ada.doc, 'b1')?.toJSON()
      const update = make({ doc: ada.doc, person: ada.doc.clientID })
      const mallory = await enter(scene.url, { sub: 'mallory' })
      mallory.sendUpdateFrame(encodeUpdate(update))
      await until(
        'mallory is answered',
        () => mallory.rejections.length > 0 || mallory.framesDurable === mallory.framesSent,
      )
      expect(mallory.rejections.map((rejection) => rejection.code)).toEqual([code])
      await mallory.close()

      const stock = await enter(scene.url, { sub: 'mallory' }, false)
      stock.sendUpdateFrame(encodeUpdate(update))
      const ending = await within('the stock client is sent away', stock.ended)
      expect(ending).toMatchObject({ kind: 'close', code: closeOf(code) })
      await expectUndisturbed(before)
    },
  )

  it('[T61] the log has no record of anything refused and loads as the same document when the server starts anew', async () => {
    await scene.bystander.check()
    await ada.close()
    expect(await scene.joinery.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const { records, doc } = await readHistory(scene.directory, path)
    expect(new Set(records.map(({ actor }) => actor))).toEqual(new Set(['ada', 'robot']))
    expect(Y.encodeStateAsUpdate(doc)).toEqual(Y.encodeStateAsUpdate(ada.doc))
    await using again = await startJoinery({ directory: scene.directory, env: ENV })
    const newcomer = await enter(again.url, { sub: 'ben' })
    expect(Y.encodeStateAsUpdate(newcomer.doc)).toEqual(Y.encodeStateAsUpdate(ada.doc))
    await newcomer.close()
  })
})
