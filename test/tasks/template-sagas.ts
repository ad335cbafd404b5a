import { defineSaga, each, StepError, step, waitFor } from '@joinery/worker'
import {
  templateInput as input,
  REAL_OUTSIDE,
  SIMPLE_EFFECTS,
  type TemplateEffects,
  type TemplateInput,
} from './template-effects.ts'

/*
 * The sagas of the tests, for `joinery work`. They are run by processes that tests kill. Before and after each call to the outside
 * a step passes a place, where a test may have the process die.
 */

/** Many attempts: on a busy machine leases end that a quiet one keeps. */
const retry = { attempts: 100, firstMs: 50, maxMs: 400 }

const filesOf = ({ files }: TemplateInput): string[] => Array.from({ length: files }, (_, n) => `file-${n}.txt`)

async function effectsOf(real: string | undefined): Promise<TemplateEffects> {
  if (real === undefined) return SIMPLE_EFFECTS
  // Loaded where it is wanted: most workers of tests start without it.
  const { realEffects } = await import('../resources/real-effects.ts')
  return realEffects(JSON.parse(real))
}
const effects = await effectsOf(process.env[REAL_OUTSIDE])

async function pass({ outside }: TemplateInput, place: string): Promise<void> {
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
    step<TemplateInput>('create', {
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
    each<TemplateInput, string>('upload', {
      retry,
      concurrency: 4,
      items: ({ input: given }) => filesOf(given),
      run: async (c) => {
        const isFirst = c.item === filesOf(c.input)[0]
        if (isFirst) await pass(c.input, 'upload before')
        const uploaded = await effects.upload(c)
        if (isFirst) await pass(c.input, 'upload after')
        return uploaded
      },
      compensate: async (c) => {
        const isFirst = c.item === filesOf(c.input)[0]
        if (isFirst) await pass(c.input, 'upload undo before')
        await effects.removeUpload(c)
        if (isFirst) await pass(c.input, 'upload undo after')
      },
    }),
    step<TemplateInput>('charge', {
      retry,
      run: async (c) => {
        await pass(c.input, 'charge before')
        const charged = await effects.charge(c)
        await pass(c.input, 'charge after')
        return charged
      },
      compensate: async (c) => {
        await pass(c.input, 'charge undo before')
        await effects.refund(c)
        await pass(c.input, 'charge undo after')
      },
    }),
    step<TemplateInput>('link', {
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
      step<TemplateInput>('first', {
        retry,
        run: async ({ input: given, http }) => {
          await http.post(`${given.outside}/charges`, { body: { reference: given.prefix, amount: 1 } })
          return { version }
        },
      }),
      waitFor('go'),
      step<TemplateInput>('second', {
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
    step<TemplateInput>('index', {
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
