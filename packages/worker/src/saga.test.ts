import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineSaga } from './saga.ts'
import { ServedSagas } from './served-sagas.ts'
import { each, sleep, step, waitFor } from './step.ts'
import { WorkerError } from './worker-error.ts'

const run = () => null
const one = step('one', { run })
const good = { name: 'greet', version: 1, steps: [one] }
const refused = (define: () => unknown): WorkerError => {
  try {
    define()
  } catch (error) {
    if (error instanceof WorkerError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
const steps = (options: object) => ({ steps: [step('one', { run, ...options })] })

it.each<[string, object, string]>([
  ['no object', { steps: undefined, name: undefined }, 'the name of a saga must be 1 to 64'],
  ['a name with a slash', { name: 'a/b' }, 'not "a/b"'],
  ['a name of 65 letters', { name: 'a'.repeat(65) }, 'must be 1 to 64'],
  ['version 0', { version: 0 }, 'version must be a whole number from 1 to 1000000, not 0'],
  ['version 1.5', { version: 1.5 }, 'not 1.5'],
  ['a version as text', { version: '1' }, 'not "1"'],
  ['no steps', { steps: [] }, 'saga "greet" has no steps: give at least one'],
  ['steps that are no list', { steps: 'one' }, 'has no steps'],
  ['101 steps', { steps: Array.from({ length: 101 }, (_, n) => step(`s${n}`, { run })) }, 'has 101 steps, at most 100'],
  ['two steps of one name', { steps: [one, step('one', { run })] }, 'has two steps "one": results are kept by name'],
  ['a step that is a plain object', { steps: [{ name: 'one', run }] }, 'must be made by step(…)'],
  ['a step of null', { steps: [null] }, 'must be made by step(…)'],
  [
    'a step of an inherited kind',
    { steps: [{ name: 'one', kind: 'toString', options: {} }] },
    'must be made by step(…)',
  ],
  ['a step without options', { steps: [step('one', undefined as never)] }, 'its options must be an object'],
  ['a step with an empty name', { steps: [step('', { run })] }, 'the name of a step must be 1 to 64'],
  ['a step named __proto__', { steps: [step('__proto__', { run })] }, 'not "__proto__"'],
  ['a step without run', { steps: [step('one', {} as never)] }, 'step "one": run must be a function'],
  ['an each without items', { steps: [each('one', { run } as never)] }, 'items must be a function'],
  ['an unknown option', steps({ retries: 3 }), 'has no option "retries": it takes run, compensate, retry'],
  ['an unknown option of the saga', { retries: 3 }, 'saga "greet" has no option "retries"'],
  ['a compensate that is no function', steps({ compensate: {} }), 'compensate must be a function'],
  ['a time that is no number', steps({ timeoutMs: '1s' }), 'timeoutMs must be a whole number'],
  ['a machine that is no text', steps({ follows: 7 as never }), 'follows must be a text of 1 to'],
  ['a machine without a name', steps({ tells: '' }), 'tells must be a text of 1 to'],
  ['a time of 0', steps({ giveUpAfterMs: 0 }), 'giveUpAfterMs must be a whole number'],
  ['a time without end', steps({ scheduleMs: Infinity }), 'scheduleMs must be a whole number'],
  ['101 attempts', steps({ retry: { attempts: 101 } }), 'retry.attempts must be a whole number from 1 to 100'],
  ['no attempts', steps({ retry: { attempts: 0 } }), 'retry.attempts must be'],
  ['a pause of an hour', steps({ retry: { maxMs: 3_600_000 } }), 'retry.maxMs must be'],
  ['an unknown part of a retry', steps({ retry: { times: 3 } }), 'retry has no option "times"'],
  [
    'an unknown choice',
    steps({ onFailure: 'ignore' }),
    'onFailure must be "compensate" or "continue" or "wait", not "ignore"',
  ],
  ['an unknown effect', steps({ effect: 'once' }), 'effect must be "at_most_once"'],
  ['a pivot that is no boolean', steps({ pivot: 'yes' }), 'pivot must be true or false'],
  ['two pivots', { steps: [step('a', { run, pivot: true }), step('b', { run, pivot: true })] }, 'has two pivots'],
  ['an empty host', steps({ host: '' }), 'host must be a text'],
  ['65 items at once', { steps: [each('a', { run, items: () => [], concurrency: 65 })] }, 'concurrency must be'],
  ['a sleep of nothing', { steps: [sleep('a', 0)] }, 'sleepMs must be a whole number'],
  ['a sleep without a time', { steps: [sleep('a', undefined as never)] }, 'sleepMs must be a whole number'],
  ['a wait with a run', { steps: [waitFor('a', { run } as never)] }, 'has no option "run"'],
  ['an input that is no schema', { input: { type: 'object' } }, "must be a Standard Schema, such as zod's"],
  ['a deadline of 0', { deadlineMs: 0 }, 'deadlineMs must be'],
  ['a subject that is no function', { subject: 'board' }, 'subject must be a function'],
  ['accepts that is no list', { accepts: 2 }, 'accepts must be a list'],
  ['its own version accepted', { accepts: [1] }, 'accepts names 1, its own version'],
])('[N1] a definition with %s is refused, and the error says where and why', (_what, over, message) => {
  const error = refused(() => defineSaga({ ...good, ...over } as never))
  expect(error).toMatchObject({ code: 'bad_definition', class: 'permanent' })
  expect(error.message).toContain(message)
})

it.each([undefined, null, 'saga', 7])('[N1] a definition that is %j is refused', (given) => {
  expect(refused(() => defineSaga(given as never)).code).toBe('bad_definition')
})

it('[N1] a saga may have 100 steps, each with all of its options', () => {
  const options = {
    compensate: run,
    retry: { attempts: 100, firstMs: 0, maxMs: 900_000 },
    timeoutMs: 1,
    giveUpAfterMs: 1,
    scheduleMs: 1,
    onFailure: 'wait',
    onUndoFailure: 'stop',
    effect: 'at_most_once',
    cancelGraceMs: 0,
    host: 'store.example',
  } as const
  const all = Array.from({ length: 100 }, (_, n) => step(`s${n}`, { run, ...options }))
  expect(defineSaga({ ...good, steps: all }).shape.steps).toHaveLength(100)
})

it('[N22] a step names the machine that it follows, or tells news of', () => {
  const steps = [step('watch', { run, follows: 'payment@1' }), step('look', { run, tells: 'payment@1' })]
  expect(defineSaga({ ...good, steps }).shape.steps).toEqual([
    { name: 'watch', kind: 'step', follows: 'payment@1' },
    { name: 'look', kind: 'step', tells: 'payment@1' },
  ])
})

it('[N2] a saga announces its steps as the server needs them', () => {
  const { shape } = defineSaga({
    name: 'instantiate-template',
    version: 3,
    accepts: [2],
    deadlineMs: 60_000,
    input: z.object({ template: z.string(), prefix: z.string() }),
    subject: ({ prefix }) => ({ block: `${prefix}-board`, name: 'template' }),
    steps: [
      step('create', { run: ({ input }) => input.template, compensate: run, retry: { attempts: 3 } }),
      each('upload', { items: ({ input }) => [input.prefix], run: ({ item }) => item.length, concurrency: 4 }),
      sleep('rest', 1_000),
      waitFor('approved', { timeoutMs: 5_000, onFailure: 'continue' }),
      step('publish', { run, pivot: true, host: 'cdn' }),
    ],
  })
  const lines = 'step create\neach upload\nsleep rest\nsignal approved\nstep publish\n'
  expect(shape).toEqual({
    name: 'instantiate-template',
    version: 3,
    accepts: [2],
    deadlineMs: 60_000,
    hasSubject: true,
    digest: createHash('sha256').update(lines).digest('hex'),
    inputSchema: expect.objectContaining({ type: 'object', required: ['template', 'prefix'] }),
    steps: [
      { name: 'create', kind: 'step', hasUndo: true, retry: { attempts: 3, firstMs: 1_000, maxMs: 900_000 } },
      { name: 'upload', kind: 'each', concurrency: 4 },
      { name: 'rest', kind: 'sleep', sleepMs: 1_000 },
      { name: 'approved', kind: 'signal', timeoutMs: 5_000, onFailure: 'continue' },
      { name: 'publish', kind: 'step', isPivot: true, host: 'cdn' },
    ],
  })
})

it('[N2] a schema that JSON Schema can not say, and one of another library, are checked by the worker alone', () => {
  const noJson = defineSaga({ ...good, input: z.object({ at: z.date(), n: z.bigint() }) })
  expect(noJson.shape).not.toHaveProperty('inputSchema')
  const own = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } as const
  expect(defineSaga({ ...good, input: own }).shape).not.toHaveProperty('inputSchema')
})

it.each<[string, unknown, string]>([
  ['no list', { greet: 1 }, 'needs a list of at least one saga'],
  ['an empty list', [], 'needs a list of at least one saga'],
  ['a definition that was not given to defineSaga', [good], 'entry 0 of the sagas was not made by defineSaga'],
  ['a version twice', [defineSaga(good), defineSaga(good)], 'greet@1 and greet@1 both serve greet@1'],
  [
    'a version that another accepts',
    [defineSaga(good), defineSaga({ ...good, version: 2, accepts: [1] })],
    'greet@1 and greet@2 both serve greet@1',
  ],
])('[N4] a worker does not start with %s', (_what, sagas, message) => {
  const error = refused(() => new ServedSagas(sagas))
  expect(error.code).toBe('bad_options')
  expect(error.message).toContain(message)
})
