import { flushCompileCache } from 'node:module'
import { connectWorkspace } from '@joinery/client'
import { openEmbedder } from './search/open-embedder.ts'
import { VectorFiles } from './search/vector-files.ts'
import { createSteps } from './steps/all-steps.ts'
import type { Order, Word, WriterSettings } from './writer-link.ts'

/**
 * A headless writer, run as a process of its own. It connects like any background job, does the steps it is told to do,
 * and ends together with the process that started it.
 */
const settings = JSON.parse(process.argv[2] ?? '') as WriterSettings
const { url, workspace: name, source, actor, embedding, pace, endsAtMs } = settings

process.once('disconnect', () => process.exit())
setTimeout(() => process.exit(), Math.max(0, endsAtMs - Date.now())).unref()

const say = (word: Word): void => {
  // Without a parent, nobody needs the message: this process is about to end, too.
  if (process.connected) process.send?.(word)
}
const workspace = connectWorkspace({ url, workspace: name, actor, source })
const embedder = await openEmbedder(
  embedding && { config: embedding, environment: process.env as Readonly<Record<string, string>> },
)
const steps = createSteps({
  workspace,
  workspaceName: name,
  httpUrl: url.replace('ws', 'http'),
  author: { source, actor },
  vectors: new VectorFiles(settings.vectorsDirectory),
  embedder,
  pace,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms * pace)),
  note: (text) => say({ type: 'note', text }),
  reached: (point) => say({ type: 'reached', point }),
})

process.on('message', (message) => {
  const { id, step, input } = message as Order
  // The types of name and input belong together in the map of steps; a message from another process loses that.
  const run = steps[step] as (input: unknown) => Promise<never>
  run(input).then(
    (output) => say({ type: 'done', id, output }),
    (error: unknown) => say({ type: 'failed', id, message: error instanceof Error ? error.message : String(error) }),
  )
})
await workspace.whenSynced
say({ type: 'ready' })
// Now and not at the end: a writer that is killed could not do it.
flushCompileCache()
