import { createBlock, getBlock } from '@joinery/blocks'
import { encodeUpdate, type RejectionCode } from '@joinery/protocol'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { type Scene, setScene } from '../support/scene.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const ENV = { JOINERY_JWT_SECRET: SECRET }
let scene: Scene
let workspaceCount = 0

beforeAll(async () => {
  scene = await setScene({ env: ENV, token: await makeToken() })
})

afterAll(() => scene?.[Symbol.asyncDispose]())

async function enter(path: string, sub: string, doc?: Y.Doc): Promise<RawClient> {
  const token = await makeToken({ sub })
  return RawClient.open({
    url: scene.url,
    path,
    query: { token },
    wantsJoinery: true,
    ...(doc !== undefined && { doc }),
  })
}

const content = (doc: Y.Doc) => doc.getText('content')

async function untilDurable(client: RawClient): Promise<void> {
  await until('the edit is durable', () => client.framesDurable === client.framesSent)
}

/** Sends the update as Mallory, who has a good token of her own. Returns the code of the refusal. */
async function attack(path: string, update: Uint8Array): Promise<RejectionCode | undefined> {
  const mallory = await enter(path, 'mallory')
  mallory.sendUpdateFrame(encodeUpdate(update))
  await until(
    'mallory is answered',
    () => mallory.rejections.length > 0 || mallory.framesDurable === mallory.framesSent,
  )
  await mallory.close()
  return mallory.rejections[0]?.code
}

/** A struct that holds nothing, under `client`'s name at `clock`: a few bytes that make a server skip the real edit. */
function gapUpdate(client: number, clock: number, length: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, client, clock, 0, length, 0]) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

function nestedMaps(depth: number): Uint8Array {
  const doc = new Y.Doc()
  let map: Y.Map<unknown> = doc.getMap('blocks')
  for (let level = 0; level < depth; level++) {
    const inner = new Y.Map<unknown>()
    map.set('m', inner)
    map = inner
  }
  return Y.encodeStateAsUpdate(doc)
}

function nestedJson(depth: number): Uint8Array {
  const doc = new Y.Doc()
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  doc.getMap('edges').set('e', value)
  return Y.encodeStateAsUpdate(doc)
}

/** One garbage struct each of so many clients: nine bytes that every later edit pays for. */
function manyClients(count: number): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, count)
  for (let client = 1; client <= count; client++) {
    for (const number of [1, client, 0, 0, 1]) encoding.writeVarUint(encoder, number)
  }
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

/** A status that says somebody else, or another class of writer, reported it. */
function forgedClaim(author: { actor: string; source: 'user_action' | 'workflow_execution' }): Uint8Array {
  const doc = new Y.Doc()
  createBlock(doc, 'b1', { type: 'note' }).indexingList.startRun('words', author)
  return Y.encodeStateAsUpdate(doc)
}

describe('updates made to harm', () => {
  const attacks: readonly [what: string, update: () => Uint8Array, code: RejectionCode][] = [
    ['nests 3,000 maps', () => nestedMaps(3_000), 'too_deep'],
    ['nests 3,000 JSON arrays', () => nestedJson(3_000), 'too_deep'],
    [
      "reports a status in another person's name",
      () => forgedClaim({ actor: 'ada', source: 'user_action' }),
      'forbidden_actor',
    ],
    [
      'reports a status as a class of writer its token does not name',
      () => forgedClaim({ actor: 'mallory', source: 'workflow_execution' }),
      'forbidden_source',
    ],
  ]
  it.each(attacks)(
    '[T37] an update is refused whole and the room loads as before when it %s',
    async (_what, update, code) => {
      const path = `hostile-${++workspaceCount}`
      const ada = await enter(path, 'ada')
      content(ada.doc).insert(0, 'intact')
      await untilDurable(ada)
      expect(await attack(path, update())).toBe(code)
      const ben = await enter(path, 'ben')
      expect(content(ben.doc).toString()).toBe('intact')
      expect(getBlock(ben.doc, 'b1')).toBeUndefined()
      await Promise.all([ada.close(), ben.close()])
      await scene.bystander.check()
    },
  )

  it('[T37] eighty thousand client ids in one update are refused', async () => {
    const path = `hostile-${++workspaceCount}`
    expect(await attack(path, manyClients(80_000))).toBe('too_large')
    await scene.bystander.check()
  })

  it("[T38] nobody can silence a person who is here by writing under that person's client id", async () => {
    const path = `hostile-${++workspaceCount}`
    const [ada, ben] = [await enter(path, 'ada'), await enter(path, 'ben')]
    content(ada.doc).insert(0, 'first')
    await untilDurable(ada)
    const clock = Y.getState(ada.doc.store, ada.doc.clientID)
    expect(await attack(path, gapUpdate(ada.doc.clientID, clock, 100))).toBe('client_id_owned')
    content(ada.doc).insert(5, ', second')
    await until('ben holds the second edit', () => content(ben.doc).toString() === 'first, second')
    await Promise.all([ada.close(), ben.close()])
    await scene.bystander.check()
  })

  it('[T38] nobody can destroy what a person typed offline by writing under their client id meanwhile, not even after a restart', async () => {
    const path = `hostile-${++workspaceCount}`
    await using own = await setScene({ env: ENV, token: await makeToken() })
    const doc = new Y.Doc()
    const options = { path, query: { token: await makeToken({ sub: 'ada' }) }, wantsJoinery: true, doc }
    const ada = await RawClient.open({ ...options, url: own.url })
    content(doc).insert(0, 'online')
    await untilDurable(ada)
    await ada.close()
    content(doc).insert(6, ', offline')
    await own.joinery.child.end('SIGTERM')

    await using again = await startJoinery({ directory: own.directory, port: own.joinery.port, env: ENV })
    const query = { token: await makeToken({ sub: 'mallory' }) }
    const mallory = await RawClient.open({ url: again.url, path, query, wantsJoinery: true })
    mallory.sendUpdateFrame(encodeUpdate(gapUpdate(doc.clientID, 'online'.length, 100)))
    await until('mallory is refused', () => mallory.rejections.length > 0)
    expect(mallory.rejections[0]?.code).toBe('client_id_owned')
    const back = await RawClient.open({ ...options, url: again.url })
    await untilDurable(back)
    expect(content(doc).toString()).toBe('online, offline')
    const ben = await RawClient.open({ url: again.url, path, query })
    expect(content(ben.doc).toString()).toBe('online, offline')
    await Promise.all([mallory, back, ben].map((client) => client.close()))
  })
})
