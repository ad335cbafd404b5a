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
      expect(client.closed).toMatchObject({ code: path === 'w' ? CLOSE.refusedForNow : CLOSE.tryLater })
      expect(client.message('rejected')).toBeUndefined()
      other.doc.getText('text').insert(0, 'mine')
      const newcomer = await fixture.client('w').synced()
      await newcomer.until(() => newcomer.doc.getText('text').toString() !== '')
      expect(newcomer.doc.getText('text').toString()).toBe('mine')
    },
  )

  /** A document by ada, and one with an edit of another client id on top; ada's rules let nobody else bring that. */
  function withheldFromBen() {
    const [mine, both] = [new Y.Doc(), new Y.Doc()]
    mine.getText('text').insert(0, 'mine')
    Y.applyUpdate(both, Y.encodeStateAsUpdate(mine))
    both.getText('text').insert(4, "another's")
    const given: boolean[] = []
    const withholding: RuledDocument = {
      ...UNRULED,
      withhold: (answer, { actor, mayRelay }) => {
        if (actor !== 'ben') return answer
        given.push(mayRelay === true)
        return Y.encodeStateAsUpdate(mine)
      },
    }
    return { both, given, rules: { open: () => withholding } }
  }

  it('[S39, S6] is taken without it when the rules withhold it, and hears that it is durable when its writer has brought it', async () => {
    const { both, given, rules } = withheldFromBen()
    fixture = await ServerFixture.start({ rules })
    const ben = await fixture.client('w?joinery=1&actor=ben', { answersStep1: false }).synced()
    ben.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    const newcomer = await fixture.client('w').synced()
    await newcomer.until(() => newcomer.doc.getText('text').toString() !== '')
    expect(newcomer.doc.getText('text').toString()).toBe('mine')
    await ben.roundTrip()
    expect([ben.message('durable'), ben.message('rejected'), given]).toEqual([undefined, undefined, [true]])
    const ada = await fixture.client('w?joinery=1&actor=ada', { answersStep1: false }).synced()
    ada.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    await ben.until(() => ben.message('durable')?.frames === 1)
    await newcomer.until(() => newcomer.doc.getText('text').toString() === "mineanother's")
  })

  it('[S39] hears aloud that it was refused when what was withheld does not come in time, or comes with other content', async () => {
    const { both, rules } = withheldFromBen()
    fixture = await ServerFixture.start({ rules, limits: { relayWaitMs: 500 } })
    const late = await fixture.client('w?joinery=1&actor=ben', { answersStep1: false }).synced()
    late.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    await late.until(() => late.message('rejected') !== undefined)
    expect(late.message('rejected')).toMatchObject({ code: 'client_id_owned', frame: 1 })
    expect(late.message('durable')).toBeUndefined()
    await fixture.close()

    fixture = await ServerFixture.start({ rules })
    const ben = await fixture.client('w?joinery=1&actor=ben', { answersStep1: false }).synced()
    ben.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    const other = new Y.Doc()
    other.clientID = both.clientID
    other.getText('text').insert(0, 'what ada wrote in truth')
    const ada = await fixture.client('w?joinery=1&actor=ada', { answersStep1: false }).synced()
    ada.send(encodeSyncStep2(Y.encodeStateAsUpdate(other)))
    await ada.until(() => ada.message('durable')?.frames === 1)
    await ben.until(() => ben.message('rejected') !== undefined)
    expect(ben.message('rejected')).toMatchObject({ code: 'client_id_owned', frame: 1 })
    expect(ben.message('durable')).toBeUndefined()
  })

  it.each(['bytes', 'a document'])(
    '[S6] is not told that an edit is durable when the server has other content under its clocks, told from %s',
    async (kind) => {
      const store = openMemoryStore()
      fixture = await ServerFixture.start({ store })
      const [first, second] = [new Y.Doc(), new Y.Doc()]
      first.clientID = second.clientID = 7
      first.getText('text').insert(0, 'first')
      second.getText('text').insert(0, 'other')
      const one = await fixture.client('w?joinery=1', { answersStep1: false }).synced()
      one.send(encodeUpdate(Y.encodeStateAsUpdate(first)))
      await one.until(() => one.message('durable')?.frames === 1)
      await fixture.close()
      fixture = await ServerFixture.start({ store })
      if (kind === 'a document') await fixture.server.workspaces.read(W, () => undefined)
      const [again, liar] = [fixture.client('w?joinery=1', { answersStep1: false }), fixture.client('w?joinery=1')]
      await Promise.all([again.synced(), liar.synced()])
      again.send(encodeUpdate(Y.encodeStateAsUpdate(first)))
      await again.until(() => again.message('durable')?.frames === 1)
      liar.send(encodeUpdate(Y.encodeStateAsUpdate(second)))
      await liar.until(() => liar.message('rejected') !== undefined)
      expect(liar.message('rejected')).toMatchObject({ code: 'client_id_owned' })
    },
  )

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

  it('[S39] is counted, and a stock client, which can not be told, keeps its connection and is counted apart', async () => {
    const { both, rules } = withheldFromBen()
    fixture = await ServerFixture.start({ rules })
    const seen = () => {
      const { withheldFrames, withheldFramesUntold } = fixture.server.counters
      return [withheldFrames, withheldFramesUntold]
    }
    const ben = await fixture.client('w?actor=ben', { answersStep1: false }).synced()
    ben.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    const newcomer = await fixture.client('w').synced()
    await newcomer.until(() => newcomer.doc.getText('text').toString() === 'mine')
    expect([seen(), ben.closed]).toEqual([[1, 1], undefined])
    const sdk = await fixture.client('w?joinery=1&actor=ben', { answersStep1: false }).synced()
    sdk.send(encodeSyncStep2(Y.encodeStateAsUpdate(both)))
    await sdk.roundTrip()
    await expect.poll(seen).toEqual([2, 1])
  })
})
