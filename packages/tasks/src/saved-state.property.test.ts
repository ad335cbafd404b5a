import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stateCodec } from './saved-state.ts'
import type { JournalEvent } from './task-event.ts'
import { sagaOf } from './testing/task-scene.ts'
import { WorkFold } from './work-fold.ts'

const TASKS = 230
const saga = sagaOf(['one', { name: 'files', kind: 'each', hasUndo: true }])
const by = { actor: 'ada', source: 'user_action' }

const task = fc.nat(TASKS + 2).map((n) => `t${n}`)
const step = { kind: fc.constant('run' as const), step: fc.constant('one') }
const type = <T extends JournalEvent['type']>(name: T) => fc.constant(name)
const event: fc.Arbitrary<JournalEvent> = fc.oneof(
  fc.record({ type: type('leased'), task, ...step, attempt: fc.nat(9), worker: fc.constant('w'), nonce: task }),
  fc.record({ type: type('done'), task, ...step, result: fc.string(), bytes: fc.nat(9) }),
  fc.record({ type: type('moved'), task, saga: fc.constant(sagaOf(['one', 'two'], { version: 2 })) }),
  fc.record({ type: type('turned'), task, why: fc.constant('canceled' as const), by: fc.constant(by) }),
  fc.record({ type: type('ended'), task, state: fc.constant('done' as const), error: fc.constant(undefined) }),
  fc.record({ type: type('swept'), tasks: fc.array(task, { maxLength: 3 }) }),
  fc.record({ type: type('copied'), copy: fc.constantFrom('c1', 'c2') }),
  fc.record({ type: type('resumed'), by: fc.constant(by) }),
  task.map((id): JournalEvent => start(`new ${id}`)),
)

function start(id: string): JournalEvent {
  return { type: 'started', task: id, saga, input: { note: `line\nof ${id}` }, by, key: id, body: '', bytes: 1 }
}

function parsed(state: Uint8Array): unknown {
  return JSON.parse(Buffer.from(state.subarray(1)).toString())
}

function filled(): WorkFold {
  const fold = new WorkFold()
  fold.take({ type: 'copied', copy: 'c1' }, 1, 1)
  for (let n = 0; n < TASKS; n++) fold.take(start(`t${n}`), n, n + 2)
  return fold
}

it('[J82] a snapshot that is written in turns is the state at its begin, whatever happens between the turns', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(event, { maxLength: 8 }), { maxLength: 6 }), async (turns) => {
      const fold = filled()
      const before = stateCodec.encode(fold)
      const writing = stateCodec.encodeInTurns?.(fold)
      let lsn = TASKS + 2
      for (const events of turns) {
        for (const one of events) fold.take(one, lsn, ++lsn)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(Buffer.compare((await writing) ?? Buffer.alloc(0), before)).toBe(0)
      const after = stateCodec.encode(fold)
      const again = stateCodec.decode(after)
      expect(isDeepStrictEqual(parsed(stateCodec.encode(again)), parsed(after))).toBe(true)
      expect([again.open, again.copy]).toEqual([fold.open, fold.copy])
    }),
    { numRuns: process.env.JOINERY_NIGHTLY === undefined ? 60 : 5_000 },
  )
})

it('[J82] a snapshot is verified in turns, and damage at any byte is told or changes no more than a value', async () => {
  const good = stateCodec.encode(filled())
  await stateCodec.verifyInTurns?.(good)
  const isRead = (bytes: Uint8Array): boolean => {
    try {
      stateCodec.decode(bytes)
      return true
    } catch (error) {
      expect(error).toMatchObject({ name: 'LogError', code: 'corrupted' })
      return false
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), async (place, byte, isCut) => {
      const bad = isCut ? good.slice(0, place) : Uint8Array.from(good)
      if (!isCut) bad[place] = byte
      const verified = await stateCodec.verifyInTurns?.(bad).then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({ name: 'LogError', code: 'corrupted' })
          return false
        },
      )
      expect(verified).toBe(isRead(bad))
    }),
    { numRuns: process.env.JOINERY_NIGHTLY === undefined ? 60 : 5_000 },
  )
})

it('[J82] a state in one line, as earlier versions wrote it, is read the same', () => {
  const fold = filled()
  const value = parsed(stateCodec.encode(fold))
  const line = Buffer.concat([Buffer.of(1), Buffer.from(JSON.stringify(value))])
  expect(isDeepStrictEqual(parsed(stateCodec.encode(stateCodec.decode(line))), value)).toBe(true)
})
