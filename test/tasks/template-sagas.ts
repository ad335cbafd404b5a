import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineSaga, each, StepError, step, waitFor } from '@joinery/worker'
import { z } from 'zod'

/*
 * The sagas of the tests, for `joinery work`. They are run by processes that tests kill. Before and after each call to the outside
 * a step passes a place, where a test may have the process die.
 */

/** Many attempts: on a busy machine leases end that a quiet one keeps. */
const retry = { attempts: 100, firstMs: 50, maxMs: 400 }

const input = z.object({
  prefix: z.string(),
  outside: z.string(),
  directory: z.string(),
  /** Whether the last step fails for good. */
  fails: z.boolean().default(false),
})
type Input = z.infer<typeof input>

/** Files of the plan. */
const FILES = Array.from({ length: 8 }, (_, n) => `file-${n}.txt`)

async function pass({ outside }: Input, place: string): Promise<void> {
  const body = JSON.stringify({ place, pid: process.pid })
  const answer = await fetch(`${outside}/places`, { method: 'POST', body })
  const { order } = (await answer.json()) as { order: string }
  if (order === 'die') process.kill(process.pid, 'SIGKILL')
}

const template = defineSaga({
  name: 'template',
  version: 1,
  input,
  subject: ({ prefix }) => ({ block: `${prefix}-board`, name: 'template' }),
  steps: [
    step<Input>('create', {
      retry,
      run: async (c) => {
        await pass(c.input, 'create run')
        const { prefix } = c.input
        return c.edit((d) => {
          const blocks = ['board', 'a', 'b'].map((name) =>
            d.put(`${prefix}-${name}`, { type: 'text', content: `${name}.` }),
          )
          return { blocks }
        })
      },
      compensate: async ({ input: given, result, removeIfUntouched }) => {
        await pass(given, 'create undo')
        removeIfUntouched(result?.blocks)
      },
    }),
    each<Input, string>('upload', {
      retry,
      concurrency: 4,
      items: () => FILES,
      run: async ({ input: given, item }) => {
        const first = item === FILES[0]
        if (first) await pass(given, 'upload before')
        await mkdir(given.directory, { recursive: true })
        await writeFile(join(given.directory, item), `${given.prefix} ${item}`)
        if (first) await pass(given, 'upload after')
        return { path: item }
      },
      compensate: async ({ input: given, item }) => {
        const first = item === FILES[0]
        if (first) await pass(given, 'upload undo before')
        await rm(join(given.directory, item), { force: true })
        if (first) await pass(given, 'upload undo after')
      },
    }),
    step<Input>('charge', {
      retry,
      run: async ({ input: given, http }) => {
        await pass(given, 'charge before')
        const { body } = await http.post(`${given.outside}/charges`, { body: { reference: given.prefix, amount: 5 } })
        await pass(given, 'charge after')
        return { charge: body.charge }
      },
      compensate: async ({ input: given, result, runKey, http }) => {
        await pass(given, 'charge undo before')
        await http.post(`${given.outside}/refunds`, { body: { charge: result?.charge ?? runKey } })
        await pass(given, 'charge undo after')
      },
    }),
    step<Input>('link', {
      retry,
      run: async (c) => {
        const { prefix, fails } = c.input
        await pass(c.input, 'link run')
        if (fails) throw new StepError('permanent', 'the plan is not paid for')
        return c.edit((d) => d.putEdge(`${prefix}-a-b`, { source: `${prefix}-a`, target: `${prefix}-b` }))
      },
      pivot: true,
    }),
  ],
})

/** Waits for a signal between two charges: a test changes the workers meanwhile. */
const waiting = (version: number) =>
  defineSaga({
    name: 'waiting',
    version,
    input,
    steps: [
      step<Input>('first', {
        retry,
        run: async ({ input: given, http }) => {
          await http.post(`${given.outside}/charges`, { body: { reference: given.prefix, amount: 1 } })
          return { version }
        },
      }),
      waitFor('go'),
      step<Input>('second', {
        retry,
        run: async ({ input: given, http }) => {
          await http.post(`${given.outside}/charges`, { body: { reference: given.prefix, amount: 2 } })
          return { version }
        },
      }),
    ],
  })

/** Builds an index, and writes under the lease meanwhile. */
const indexing = defineSaga({
  name: 'indexing',
  version: 1,
  input,
  steps: [
    step<Input>('index', {
      retry,
      run: ({ input: given, withRun }) =>
        withRun(given.prefix, 'main', async ({ content, progress }) => {
          progress(1, 2)
          await pass(given, 'index run')
          return content.split(' ').length
        }),
    }),
  ],
})

const versions = (process.env.TEST_VERSIONS ?? '1').split(',').map(Number)

export default [template, indexing, ...versions.map(waiting)]
