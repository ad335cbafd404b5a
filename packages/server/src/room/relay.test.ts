import { openMemoryStore } from '@joinery/log'
import { CLOSE, encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type RuledDocument, UNRULED } from '../content/document-rules.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

/** Rules that refuse every update with the text `another's`, as one that only another may write. */
const ruled: RuledDocument = {
  ...UNRULED,
  inspect: (update) =>
    Buffer.from(update).includes("another's") ? { code: 'client_id_owned', reason: 'the test says so' } : undefined,
}
const rules = { open: () => ruled }
const updateWith = (text: string): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

describe('a client that sends what only another may write', () => {
  it.each(['w', 'w?joinery=1'])(
    '[S39] is asked to come later when %s answers so soon after the start, and nothing is applied',
    async (path) => {
      fixture = await ServerFixture.start({ rules })
      const [client, other] = [fixture.client(path, { answersStep1: false }), fixture.client('w')]
      await Promise.all([client.synced(), other.synced()])
      client.send(encodeSyncStep2(updateWith("another's")))
      await client.until(() => client.closed !== undefined)
      expect(client.closed).toMatchObject({ code: CLOSE.tryLater })
      expect(client.message('rejected')).toBeUndefined()
      other.doc.getText('text').insert(0, 'mine')
      const newcomer = await fixture.client('w').synced()
      await newcomer.until(() => newcomer.doc.getText('text').toString() !== '')
      expect(newcomer.doc.getText('text').toString()).toBe('mine')
    },
  )

  it('[S39] is accepted without it when the rules withhold it', async () => {
    const [mine, both] = [new Y.Doc(), new Y.Doc()]
    mine.getText('text').insert(0, 'mine')
    Y.applyUpdate(both, Y.encodeStateAsUpdate(mine))
    both.getText('text').insert(4, "another's")
    const given: boolean[] = []
    const withholding: RuledDocument = {
      ...ruled,
      withhold: (_answer, { mayRelay }) => {
        given.push(mayRelay === true)
        return Y.encodeStateAsUpdate(mine)
      },
    }
    fixture = await ServerFixture.start({ rules: { open: () => withholding } })
    const client = await fixture.client('w?joinery=1', { answersStep1: false }).synced()
    client.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    await client.until(() => client.message('durable')?.frames === 1)
    expect(given).toEqual([true])
    const newcomer = await fixture.client('w').synced()
    await newcomer.until(() => newcomer.doc.getText('text').toString() !== '')
    expect(newcomer.doc.getText('text').toString()).toBe('mine')
  })

  it('[S39] is refused when it is no answer, and when the server has run for a while', async () => {
    fixture = await ServerFixture.start({ rules })
    const client = await fixture.client('w?joinery=1').synced()
    client.send(encodeUpdate(updateWith("another's")))
    await client.until(() => client.message('rejected') !== undefined)
    await fixture.close()
    fixture = await ServerFixture.start({ rules, limits: { relayWaitMs: 0 } })
    const late = await fixture.client('w?joinery=1', { answersStep1: false }).synced()
    late.send(encodeSyncStep2(updateWith("another's")))
    await late.until(() => late.message('rejected') !== undefined)
    expect(late.message('rejected')).toMatchObject({ code: 'client_id_owned', frame: 1 })
  })

  it('[S39] owns nothing by it after the next start either, unlike its writer', async () => {
    const store = openMemoryStore()
    const owners: string[] = []
    const recordAuthor = (_update: Uint8Array, actor: string): void => void owners.push(actor)
    const noting = { open: () => ({ ...UNRULED, recordAuthor }) }
    fixture = await ServerFixture.start({ store, rules: noting })
    const ben = await fixture.client('w?joinery=1&actor=ben', { answersStep1: false }).synced()
    ben.send(encodeSyncStep2(updateWith("ada's, which ben has seen")))
    await ben.until(() => ben.message('durable')?.frames === 1)
    const ada = await fixture.client('w?joinery=1&actor=ada').synced()
    ada.doc.getText('text').insert(0, 'more of ')
    await ada.until(() => ada.message('durable')?.frames === 2)
    await fixture.close()
    fixture = await ServerFixture.start({ store, rules: noting })
    const text = await fixture.server.workspaces.read(W, ({ doc }) => doc.getText('text').toString())
    expect([text, owners]).toEqual(["more of ada's, which ben has seen", ['ada']])
  })

  it('[S39] owns what it writes in the same moment as its answer, and may send only its own edits there', async () => {
    const store = openMemoryStore()
    const asked: [string, boolean][] = []
    const owners: string[] = []
    const noted: RuledDocument = {
      ...ruled,
      inspect: (update, writer) => {
        asked.push([Buffer.from(update).includes('answer') ? 'answer' : 'beside it', writer.mayRelay === true])
        return ruled.inspect(update, writer)
      },
      recordAuthor: (_update, actor) => void owners.push(actor),
    }
    const noting = { open: () => noted }
    fixture = await ServerFixture.start({ store, rules: noting })
    const ada = await fixture.client('w?joinery=1&actor=ada', { answersStep1: false }).synced()
    ada.inOneGo(
      encodeUpdate(updateWith('before')),
      encodeSyncStep2(updateWith('answer')),
      encodeUpdate(updateWith('after')),
      encodeUpdate(updateWith("another's")),
      encodeUpdate(updateWith('too late')),
    )
    await ada.until(() => ada.message('rejected') !== undefined && ada.message('durable')?.frames === 3)
    expect(ada.message('rejected')).toMatchObject({ code: 'client_id_owned', frame: 4 })
    expect(asked).toEqual([
      ['beside it', false],
      ['answer', true],
      ['beside it', false],
      ['beside it', false],
    ])
    await fixture.close()
    fixture = await ServerFixture.start({ store, rules: noting })
    const text = await fixture.server.workspaces.read(W, ({ doc }) => doc.getText('text').toString())
    for (const word of ['before', 'answer', 'after']) expect(text).toContain(word)
    expect(text).not.toMatch(/another|late/)
    expect(owners).toEqual(['ada', 'ada'])
  })
})
