import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { defineSaga, step } from '@joinery/worker'

const LOOK_MS = 20

/** A task of three steps. The second one waits for a file, so that a test can end its machine meanwhile; each writes down its key. */
export default [
  defineSaga({
    name: 'three-steps',
    version: 1,
    steps: [
      step('first', {
        run: ({ input, key, edit }) => {
          appendFileSync(`${input}/first`, `${key}\n`)
          return edit((d) => [d.put('first', { type: 'text', content: 'First.' })])
        },
      }),
      step('second', {
        run: async ({ input, key, signal }) => {
          appendFileSync(`${input}/second`, `${key}\n`)
          while (!existsSync(`${input}/go`)) await delay(LOOK_MS, undefined, { signal })
          return null
        },
      }),
      step('third', {
        run: ({ input, key, edit }) => {
          appendFileSync(`${input}/third`, `${key}\n`)
          return edit((d) => [d.put('third', { type: 'text', content: 'Third.' })])
        },
      }),
    ],
  }),
]
