import { type Calls, defineSaga, each, startWorker, step } from '@joinery/worker'
import { EFFECTS, undoOf } from './plan.ts'

const { OUTSIDE_URL: outside = '', JOINERY_URL: url = '', LEASE_MS: leaseMs = '' } = process.env
const kindOf = (kind: string): string[] => EFFECTS.filter((effect) => effect.startsWith(`${kind}-`))

interface Plan {
  readonly job: string
}

async function perform(http: Calls, { job }: Plan, effect: string): Promise<string> {
  await http.post(outside, { body: { job, effect } })
  return effect
}

function one(effect: string) {
  const undo = undoOf(effect)
  return step<Plan>(effect, {
    run: ({ input, http }) => perform(http, input, effect),
    ...(undo !== undefined && { compensate: ({ input, http }) => perform(http, input, undo) }),
  })
}

/** The saga of the comparison, as Joinery writes it. */
const saga = defineSaga<Plan>({
  name: 'saga',
  version: 1,
  steps: [
    one('charge'),
    each<Plan, string>('uploads', {
      items: () => kindOf('upload'),
      run: ({ input, item, http }) => perform(http, input, item),
      compensate: ({ input, item, http }) => perform(http, input, undoOf(item) ?? item),
    }),
    each<Plan, string>('embeddings', {
      items: () => kindOf('embed'),
      run: ({ input, item, http }) => perform(http, input, item),
    }),
    one('link'),
  ],
})

startWorker({
  url,
  sagas: [saga],
  leaseMs: leaseMs === '' ? undefined : Number(leaseMs),
  onEvent: ({ type }) => {
    if (type === 'connected') console.log('ready')
  },
})
