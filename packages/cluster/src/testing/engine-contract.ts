import { afterEach, describe, expect, it } from 'vitest'
import type { Engine, EngineEntry, EngineMessage } from '../engine/engine.ts'

/** Two nodes' connections to one engine that holds nothing yet. */
export interface EngineScene {
  readonly one: Engine
  readonly two: Engine
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array | undefined): string | undefined => data && new TextDecoder().decode(data)
const message = (id: string, body = id, headers: Record<string, string> = {}): EngineMessage => ({
  id,
  headers,
  body: bytes(body),
})
const bodies = (found: readonly { body: Uint8Array }[]): (string | undefined)[] => found.map(({ body }) => text(body))

async function sequenceOf(appended: ReturnType<Engine['log']['append']>): Promise<number> {
  const result = await appended
  if (result === 'refused') throw new Error('the append was refused')
  return result.sequence
}

async function revisionOf(written: Promise<number | 'refused'>): Promise<number> {
  const result = await written
  if (result === 'refused') throw new Error('the write was refused')
  return result
}

/** Tests that every {@link Engine} must pass. `open` gives a new scene. */
export function describeEngine(name: string, open: () => Promise<EngineScene>): void {
  describe(`engine: ${name}`, () => {
    let scene: EngineScene
    afterEach(() => scene.close())

    it('[Q1] of two appends with one expectation one is stored, and the other is refused', async () => {
      scene = await open()
      const results = await Promise.all([
        scene.one.log.append('w', message('a'), 0),
        scene.two.log.append('w', message('b'), 0),
      ])
      expect(results.filter((result) => result === 'refused')).toHaveLength(1)
      await expect.poll(async () => (await scene.one.log.read('w', 0, 10)).length).toBe(1)
      const [stored] = await scene.two.log.read('w', 0, 10)
      expect(await scene.one.log.append('w', message('c'), 0)).toBe('refused')
      expect(await scene.one.log.append('w', message('d'), stored?.sequence ?? -1)).toMatchObject({
        sequence: expect.any(Number),
      })
    })

    it('[Q1] sequences of a subject grow, and its messages come back in order with their headers', async () => {
      scene = await open()
      const headers = { 'Jy-Kind': 'records', 'Jy-Lsn': '1-2' }
      const first = await sequenceOf(scene.one.log.append('w', message('a', 'one', headers), 0))
      await sequenceOf(scene.one.log.append('other', message('o'), 0))
      const second = await sequenceOf(scene.one.log.append('w', message('b', 'two'), first))
      expect(second).toBeGreaterThan(first)
      await expect.poll(async () => bodies(await scene.two.log.read('w', 0, 10))).toEqual(['one', 'two'])
      expect(bodies(await scene.two.log.read('w', first, 10))).toEqual(['two'])
      expect(bodies(await scene.two.log.read('w', 0, 1))).toEqual(['one'])
      expect(await scene.two.log.read('w', 0, 1)).toMatchObject([{ id: 'a', sequence: first, headers }])
      await expect.poll(async () => (await scene.two.log.last('w'))?.sequence).toBe(second)
      expect(await scene.one.log.last('nothing')).toBeUndefined()
      expect(await scene.one.log.read('nothing', 0, 10)).toEqual([])
      expect((await scene.two.log.subjects()).sort()).toEqual(['other', 'w'])
    })

    it('[Q1] the messages of all subjects of a part are read in order, each with its subject', async () => {
      scene = await open()
      const { log } = scene.one
      const written: string[] = []
      for (const [n, subject] of ['w', 'v', 'u', 'w2', 't'].entries()) {
        await sequenceOf(log.append(subject, message(`${n}`), 0))
        written.push(`${subject} ${n}`)
      }
      const readAll = async (limit: number): Promise<string[]> => {
        const found: string[] = []
        for (let part = 0; part < log.parts; part++) {
          for (let after = 0; ; ) {
            const messages = await scene.two.log.readPart(part, after, limit)
            for (const { subject, body, sequence } of messages) {
              expect(sequence).toBeGreaterThan(after)
              after = sequence
              found.push(`${subject} ${text(body)}`)
            }
            if (messages.length === 0) break
          }
        }
        return found.toSorted()
      }
      await expect.poll(() => readAll(1)).toEqual(written.toSorted())
      expect(await readAll(100)).toEqual(written.toSorted())
    })

    it('[Q75] messages before a sequence are removed, those from there on stay, and the next is expected as before', async () => {
      scene = await open()
      const { log } = scene.one
      const beside = await sequenceOf(log.append('other', message('o'), 0))
      const sequences = [0]
      for (const id of ['a', 'b', 'c'])
        sequences.push(await sequenceOf(log.append('w', message(id), sequences.at(-1) ?? 0)))
      const [, a = 0, b = 0, c = 0] = sequences
      for (const sequence of [b, b, a, 0]) await log.removeBefore('w', sequence)
      await expect.poll(async () => bodies(await scene.two.log.read('w', 0, 10))).toEqual(['b', 'c'])
      expect(await log.append('w', message('d'), 0)).toBe('refused')
      const d = await sequenceOf(log.append('w', message('d'), c))
      await log.removeBefore('w', d)
      await expect.poll(async () => bodies(await scene.two.log.read('w', a, 10))).toEqual(['d'])
      expect([(await log.last('w'))?.sequence, (await log.last('other'))?.sequence]).toEqual([d, beside])
    })

    it('[Q2] a message that is appended again is stored once: it gets the sequence that it has, or is refused', async () => {
      scene = await open()
      const again = () => scene.one.log.append('w', message('a'), 0)
      const first = await sequenceOf(again())
      const answers = ['refused', { sequence: first }]
      expect(answers).toContainEqual(await again())
      const second = await sequenceOf(scene.two.log.append('w', message('b'), first))
      expect(answers).toContainEqual(await again())
      await expect.poll(async () => (await scene.one.log.last('w'))?.sequence).toBe(second)
      expect(bodies(await scene.one.log.read('w', 0, 10))).toEqual(['a', 'b'])
    })

    it('[Q3] a body as large as promised is stored whole, and a larger one is refused as `invalid`', async () => {
      scene = await open()
      const body = new Uint8Array(900 * 1024).fill(7)
      await sequenceOf(scene.one.log.append('w', { id: 'large', headers: {}, body }, 0))
      await expect
        .poll(async () => (await scene.two.log.read('w', 0, 10)).map((found) => found.body.byteLength))
        .toEqual([body.byteLength])
      const larger = { id: 'larger', headers: {}, body: new Uint8Array(900 * 1024 + 1) }
      await expect(scene.one.log.append('v', larger, 0)).rejects.toMatchObject({ code: 'invalid' })
      await expect(scene.one.log.append('a b', message('x'), 0)).rejects.toMatchObject({ code: 'invalid' })
    })

    it('[Q4] a key is made once, and written and deleted by those alone who know its revision', async () => {
      scene = await open()
      const { meta } = scene.one
      const made = await Promise.all([meta.create('own.w', bytes('one')), scene.two.meta.create('own.w', bytes('two'))])
      expect(made.filter((result) => result === 'refused')).toHaveLength(1)
      const entry = await meta.get('own.w')
      const revision = entry?.revision ?? -1
      expect(made).toContain(revision)
      const next = await revisionOf(scene.two.meta.update('own.w', bytes('three'), revision))
      expect(next).toBeGreaterThan(revision)
      expect(await meta.update('own.w', bytes('four'), revision)).toBe('refused')
      expect(await meta.delete('own.w', revision)).toBe('refused')
      expect(text((await meta.get('own.w'))?.value)).toBe('three')
      expect(await meta.delete('own.w', next)).toBe('deleted')
      expect(await meta.get('own.w')).toBeUndefined()
      expect(await meta.update('own.w', bytes('five'), next)).toBe('refused')
      const again = await revisionOf(scene.two.meta.create('own.w', bytes('six')))
      expect(again).toBeGreaterThan(next)
      await expect.poll(async () => (await meta.entries()).map(({ key }) => key)).toEqual(['own.w'])
    })

    it('[Q5] a key with a time to live ends by itself unless it is written anew, and watchers hear of it', async () => {
      scene = await open()
      const { live } = scene.one
      const heard: string[] = []
      const tell = (key: string, entry: EngineEntry | undefined) => heard.push(`${key} ${text(entry?.value)}`)
      await live.create('node.a', bytes('a'))
      const stop = await scene.two.live.watch(tell)
      expect(heard).toEqual(['node.a a'])
      const revision = await revisionOf(live.create('node.b', bytes('b'), 1_000))
      const renewed = await revisionOf(live.update('node.b', bytes('b2'), revision, 1_000))
      expect(renewed).toBeGreaterThan(revision)
      await expect.poll(() => heard.at(-1)).toBe('node.b undefined')
      expect(await live.get('node.b')).toBeUndefined()
      expect(heard.slice(1)).toContain('node.b b2')
      expect(await live.update('node.b', bytes('late'), renewed, 1_000)).toBe('refused')
      expect(await revisionOf(live.create('node.b', bytes('b3'), 60_000))).toBeGreaterThan(renewed)
      await expect.poll(() => heard.at(-1)).toBe('node.b b3')
      stop()
      await expect(live.create('node.c', bytes('c'), 0)).rejects.toMatchObject({ code: 'invalid' })
    })

    it('[Q6] a message reaches all who listen to its topic, and a question one who answers', async () => {
      scene = await open()
      const heard: string[] = []
      const stops = [
        scene.two.bus.subscribe('jy.*.change', (topic, data) => heard.push(`* ${topic} ${text(data)}`)),
        scene.one.bus.subscribe('jy.>', (topic, data) => heard.push(`> ${topic} ${text(data)}`)),
      ]
      await scene.two.bus.settled()
      await scene.one.bus.settled()
      scene.one.bus.publish('jy.w.change', bytes('hello'))
      await expect.poll(() => heard.toSorted()).toEqual(['* jy.w.change hello', '> jy.w.change hello'])
      for (const end of stops) end()
      await scene.two.bus.settled()
      await scene.one.bus.settled()
      const question = scene.one.bus.request('jy.node.b.ask', bytes('?'), 1_000)
      await expect(question).rejects.toMatchObject({ code: 'no_responders' })
      const stop = scene.two.bus.respond('jy.node.b.ask', async (data) => bytes(`${text(data)}!`))
      await scene.two.bus.settled()
      expect(text(await scene.one.bus.request('jy.node.b.ask', bytes('?'), 10_000))).toBe('?!')
      stop()
      await scene.two.bus.settled()
      await expect(scene.one.bus.request('jy.node.b.ask', bytes('?'), 1_000)).rejects.toMatchObject({
        code: 'no_responders',
      })
    })

    it('[Q73] an engine that is whole misses nothing, and to make it anew changes nothing', async () => {
      scene = await open()
      await sequenceOf(scene.one.log.append('w', message('a'), 0))
      expect(await scene.two.storage.missing()).toEqual([])
      await scene.two.storage.remake()
      expect(bodies(await scene.one.log.read('w', 0, 10))).toEqual(['a'])
    })

    it('[Q7] a closed connection refuses whatever is asked, and the other goes on', async () => {
      scene = await open()
      await sequenceOf(scene.one.log.append('w', message('a'), 0))
      await scene.one.close()
      await scene.one.close()
      await expect(scene.one.log.append('w', message('b'), 1)).rejects.toMatchObject({ code: 'unavailable' })
      await expect(scene.one.meta.get('k')).rejects.toMatchObject({ code: 'unavailable' })
      await expect.poll(async () => bodies(await scene.two.log.read('w', 0, 10))).toEqual(['a'])
    })
  })
}
