import { flushCompileCache } from 'node:module'
import { connectWorkspace } from '@joinery/client'
import { VectorFiles } from './search/vector-files.ts'
import { createSteps } from './steps/all-steps.ts'
import type { Order, Word, WriterSettings } from './writer-link.ts'

/**
 * One headless writer as a process of its own: it connects like any background job, does the steps it is told, and is gone
 * with whoever started it.
 */
const settings = JSON.parse(process.argv[2] ?? '') as WriterSettings
const { url, workspace: name, source, actor, pace, endsAtMs } = settings

process.once('disconnect', () => process.exit())
setTimeout(() => process.exit(), Math.max(0, endsAtMs - Date.now())).unref()

const say = (word: Word): void => {
  // Nobody there to hear it means that this process is about to go too.
  if (process.connected) process.send?.(word)
}
const workspace = connectWorkspace({ url, workspace: name, actor, source })
const steps = createSteps({
  workspace,
  workspaceName: name,
  httpUrl: url.replace('ws', 'http'),
  author: { source, actor },
  vectors: new VectorFiles(settings.vectorsDirectory),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms * pace)),
  note: (text) => say({ type: 'note', text }),
  reached: (point) => say({ type: 'reached', point }),
})

process.on('message', (message) => {
  const { id, step, input } = message as Order
  // The map of steps knows which input goes with which name; across a process that knowledge is lost.
  const run = steps[step] as (input: unknown) => Promise<never>
  run(input).then(
    (output) => say({ type: 'done', id, output }),
    (error: unknown) => say({ type: 'failed', id, message: error instanceof Error ? error.message : String(error) }),
  )
})
await workspace.whenSynced
say({ type: 'ready' })
// Now: writers are seldom left the time for it at their end.
flushCompileCache()
