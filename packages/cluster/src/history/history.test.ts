import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import type { StoredMessage } from '../engine/engine.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { SimulatedReplica } from '../simulation/simulated-replica.ts'
import { catchUp } from './catch-up.ts'
import { HistoryReader } from './history-reader.ts'
import { factsOf, saysSetBack } from './message.ts'
import { START } from './position.ts'
import { type LongerCopies, takeOver } from './takeover.ts'

const W = 'w'

function scene() {
  const engine = new MemoryEngine()
  const clock = new HandClock()
  const place = (node: string, local = new SimulatedReplica(node)) => {
    const { log } = engine.connect(node)
    return { log, clock, workspace: W, subject: W, node, session: 's1', local, assertReadable: () => undefined }
  }
  return { engine, clock, place }
}

/** Appends an edit to the node's own log and publishes it. */
function edit(
  { local }: { local: SimulatedReplica },
  publisher: Awaited<ReturnType<typeof takeOver>>['publisher'],
  id: string,
) {
  const record = local.append(id)
  local.sync()
  return publisher.publish(record, local.generation ?? '')
}

const textsOf = ({ records }: SimulatedReplica): string[] => records.map(({ update }) => Buffer.from(update).toString())

it('[Q9] records of one turn are one message, those that come meanwhile are the next, and a large one comes in parts', async () => {
  const { engine, place } = scene()
  const a = place('a')
  const { publisher } = await takeOver(a)
  await Promise.all([edit(a, publisher, '1'), edit(a, publisher, '2'), edit(a, publisher, '3')])
  await edit(
    a,
    publisher,
    'x'.repeat(2_000_000).replace(/x/g, (_, at: number) => String.fromCharCode(97 + ((at * 7919) % 26))),
  )
  const kinds = engine.log.read(W, 0, 100).map(({ headers }) => `${headers['Jy-Kind']} ${headers['Jy-Lsn']}`)
  expect(kinds.slice(0, 2)).toEqual(['epoch 1-0', 'records 1-3'])
  expect(kinds.at(-1)).toBe('records 4-4')
  const b = place('b')
  await catchUp(b)
  expect(textsOf(b.local)).toEqual(textsOf(a.local))
})

it('[Q10, Q11] the owner before is fenced at its next record, and the next owner has all that was acknowledged', async () => {
  const { place } = scene()
  const [a, b] = [place('a'), place('b')]
  const first = await takeOver(a)
  await edit(a, first.publisher, 'kept')
  const second = await takeOver(b)
  expect(second.epoch).toBe(first.epoch + 1)
  expect(textsOf(b.local)).toEqual(['kept'])
  await expect(edit(a, first.publisher, 'late')).rejects.toMatchObject({ code: 'fenced' })
  expect(first.publisher.fenced.aborted).toBe(true)
  await expect(edit(a, first.publisher, 'later')).rejects.toMatchObject({ code: 'fenced' })
  await edit(b, second.publisher, 'next')
  await catchUp(a)
  expect(textsOf(a.local)).toEqual(['kept', 'next'])
})

it('[Q11] records that only the new owner has are published first', async () => {
  const { place } = scene()
  const a = place('a')
  const first = await takeOver(a)
  await edit(a, first.publisher, 'one')
  first.publisher.stop()
  a.local.append('two')
  a.local.sync()
  const again = await takeOver({ ...a, session: 's2' })
  const three = edit(a, again.publisher, 'three')
  await again.republished
  await three
  const b = place('b')
  await catchUp(b)
  expect(textsOf(b.local)).toEqual(['one', 'two', 'three'])
})

it('[Q14] an engine that was set back gets from the new owner what it has lost, and one with other records is `diverged`', async () => {
  const { engine, place } = scene()
  const a = place('a')
  const { publisher } = await takeOver(a)
  await edit(a, publisher, 'one')
  const kept = engine.log.last(W)?.sequence ?? 0
  await edit(a, publisher, 'two')
  await catchUp(a)
  publisher.stop()
  engine.log.setBack(W, kept)
  const again = await takeOver({ ...a, session: 's2' })
  await again.republished
  expect(again.regressed).toEqual({ first: 2, last: 2 })
  const b = place('b')
  await catchUp(b)
  expect(textsOf(b.local)).toEqual(['one', 'two'])

  again.publisher.stop()
  engine.log.setBack(W, kept)
  const c = place('c')
  const other = await takeOver(c)
  await edit(c, other.publisher, 'another two')
  await expect(takeOver({ ...a, session: 's3' })).rejects.toMatchObject({ code: 'diverged', workspace: W })
})

it('[Q71] a killed owner keeps records that the engine has lost since, though its mark does not tell that they were acknowledged', async () => {
  const { engine, place } = scene()
  const [a, b] = [place('a'), place('b')]
  const { publisher } = await takeOver(a)
  await edit(a, publisher, '1')
  await a.local.adopt([], publisher.position)
  const kept = publisher.position.sequence
  await edit(a, publisher, '2')
  await catchUp(b)
  await edit(a, publisher, '3')
  publisher.stop()
  engine.log.setBack(W, kept)
  const next = await takeOver(b)
  await next.republished
  expect(next.regressed).toEqual({ first: 2, last: 2 })
  await edit(b, next.publisher, 'another 3')
  await expect(catchUp(a)).rejects.toMatchObject({ code: 'diverged', message: expect.stringContaining('record 3') })
  expect(textsOf(a.local)).toEqual(['1', '2', '3'])
  expect(textsOf(b.local)).toEqual(['1', '2', 'another 3'])
})

it('[Q71] a copy that is longer by what another owner has written during a takeover proves no loss: nobody is told of one', async () => {
  const { engine, place } = scene()
  const [a, b] = [place('a'), { ...place('b'), session: 's2' }]
  let asked = 0
  const others: LongerCopies = {
    longerThan: async (_, end) => {
      if (asked++ === 0) {
        const { publisher } = await takeOver(a)
        await edit(a, publisher, 'meanwhile')
      }
      return a.local.head > end ? { bring: async () => undefined } : {}
    },
    purgedOf: async () => new Set(),
  }
  const { regressed } = await takeOver({ ...b, others })
  expect([asked, regressed, textsOf(b.local)]).toEqual([2, undefined, ['meanwhile']])
  const told = engine.log.read(W, 0, 100).filter((message) => saysSetBack(factsOf(W, message).kind, message.body))
  expect(told).toEqual([])
})

it('[Q8] a message that does not follow is found, whatever was done to it', async () => {
  const { engine, place } = scene()
  const a = place('a')
  const { publisher } = await takeOver(a)
  await edit(a, publisher, 'one')
  await edit(a, publisher, 'two')
  const messages = engine.log.read(W, 0, 100)
  const [epoch, one, two] = messages as [StoredMessage, StoredMessage, StoredMessage]
  const withHeader = (message: StoredMessage, name: string, value: string): StoredMessage => ({
    ...message,
    headers: { ...message.headers, [name]: value },
  })
  const wrong: StoredMessage[][] = [
    [epoch, two],
    [one, two],
    [epoch, { ...one, body: Buffer.concat([one.body, one.body]) }],
    [epoch, one, { ...one, sequence: two.sequence }],
    [epoch, one, withHeader(two, 'Jy-Lsn', '3-3')],
    [epoch, one, withHeader(two, 'Jy-Epoch', '2')],
    [epoch, one, withHeader(two, 'Jy-Generation', 'another')],
    [epoch, one, withHeader(two, 'Jy-Chain', '0'.repeat(16))],
    [epoch, one, withHeader(two, 'Jy-Lsn', 'none')],
    [epoch, one, { ...two, sequence: one.sequence }],
  ]
  const readAll = (some: readonly StoredMessage[]) => {
    const reader = new HistoryReader(W, START)
    for (const message of some) reader.read(message)
    return reader.position
  }
  expect(readAll(messages)).toMatchObject({ lsn: 2, epoch: 1 })
  for (const some of wrong) expect(() => readAll(some)).toThrow(expect.objectContaining({ code: 'corrupted' }))
  const newer = withHeader(two, 'Jy-Kind', 'summary')
  expect(() => readAll([epoch, one, newer])).toThrow(expect.objectContaining({ code: 'unknown_format' }))
})
