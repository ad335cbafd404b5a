import { openMemoryStore } from '@joinery/log'
import { CLOSE } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { HandOver, type LossOrder } from '../testing/hand-over.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

const servers: ServerFixture[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start() {
  const world = new HandOver(openMemoryStore())
  const open = async (node: string) => {
    const server = await ServerFixture.start({ store: world.storeOf(node), ownership: world.ownershipOf(node) })
    servers.push(server)
    return server
  }
  return { world, one: await open('one'), two: await open('two') }
}

const writer = { actor: 'engine', source: 'workflow_execution' }
const append = (text: string) => (doc: Y.Doc) => void doc.getText('t').insert(doc.getText('t').length, text)

describe('a workspace that is handed over', () => {
  for (const order of ['lost first', 'fenced first'] satisfies LossOrder[]) {
    it(`[S91, S92] its sockets are closed with 1012, and the next owner has all that was acknowledged (${order})`, async () => {
      const { world, one, two } = await start()
      const ada = await one.client('w?joinery=1').synced()
      ada.text.insert(0, 'kept')
      await ada.until(() => ada.message('durable')?.frames === ada.sentUpdates)
      await world.give(W, 'two', order)
      await ada.until(() => ada.closed !== undefined)
      expect(ada.closed).toMatchObject({ code: CLOSE.restart, reason: expect.stringContaining('moved') })
      const lost = one.client('w?joinery=1')
      await lost.until(() => lost.closed !== undefined)
      expect(lost.closed).toMatchObject({ code: CLOSE.restart, reason: expect.stringContaining('moved') })
      const bob = await two.client('w?joinery=1').synced()
      expect(bob.text.toString()).toBe('kept')
      expect(world.violations).toEqual([])
      expect(one.server.counters.abandons).toBe(1)
    })
  }

  it('[S91] programs of the old owner hear moved, those that wait for durability included, and their keys stay free', async () => {
    const { world, one, two } = await start()
    const edit = { writer, via: 'test', idempotencyKey: 'key', run: append('once') }
    await one.server.workspaces.write(W, { writer, via: 'test', run: append('before ') })
    const waiting = one.server.workspaces.write(W, edit).catch((error: unknown) => error)
    await one.server.workspaces.read(W, () => undefined)
    await world.give(W, 'two', 'lost first')
    expect(await waiting).toMatchObject({ code: 'moved' })
    await expect(one.server.workspaces.read(W, () => undefined)).rejects.toMatchObject({ code: 'moved' })
    expect(await two.server.workspaces.write(W, edit)).toMatchObject({ repeated: false })
    expect(await two.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())).toBe('before once')
  })

  it('[S90, S93] an owner that gets its workspace back writes under another client id, since its edits may be lost', async () => {
    const { world, one, two } = await start()
    const write = (server: ServerFixture, text: string) =>
      server.server.workspaces.write(W, { writer, via: 'test', run: append(text) })
    await write(one, 'a')
    await world.give(W, 'two', 'fenced first')
    await write(two, 'b')
    await world.give(W, 'one', 'fenced first')
    await write(one, 'c')
    const clients = await one.server.workspaces.read(W, ({ doc }) => doc.store.clients.size)
    expect(clients).toBe(3)
    expect(world.violations).toEqual([])
  })
})
