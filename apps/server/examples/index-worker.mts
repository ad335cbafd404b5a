/**
 * Watches a workspace and indexes every block that has no index `node` yet, live, with the SDK.
 *   node index-worker.mts URL WORKSPACE      (JOINERY_TOKEN when the server has keys)
 */
import { observeBlocks, RunSupersededError } from '@joinery/blocks'
import { connectWorkspace, type JobContext } from '@joinery/client'

const [url, name] = process.argv.slice(2)
if (url === undefined || name === undefined) throw new Error('usage: node index-worker.mts URL WORKSPACE')
const token = process.env.JOINERY_TOKEN
const author = { source: 'workflow_execution', actor: 'index-worker' } as const
const workspace = connectWorkspace({ url, workspace: name, ...author, ...(token !== undefined && { token }) })
const stop = new AbortController()
const taken = new Set<string>()

/** Counts words; a real worker would embed them, and stop when `signal` aborts. */
async function build({ content, progress }: JobContext): Promise<number> {
  const words = content.split(/\s+/).filter((word) => word !== '')
  progress(words.length, words.length)
  return words.length
}

async function index(id: string): Promise<void> {
  const block = workspace.blocks.get(id)
  if (block === undefined || taken.has(id) || block.indexingList.get('node')?.status === 'done') return
  taken.add(id)
  try {
    const { outcome } = await workspace.withRun(id, 'node', build, { ...author, signal: stop.signal })
    console.log(`${id}: ${outcome}`)
  } catch (error) {
    // Another run on this index is under way: leave it alone. Any other error ends the worker.
    if (!(error instanceof RunSupersededError) && !stop.signal.aborted) throw error
    console.log(`${id}: left alone`)
  }
}

process.once('SIGTERM', () => {
  stop.abort()
  void workspace.close()
})
await workspace.whenSynced
observeBlocks(workspace.doc, ({ added }) => {
  // Start after the transaction that this observer is called for.
  for (const id of added) queueMicrotask(() => void index(id))
})
await Promise.all(workspace.blocks.list().map(({ id }) => index(id)))
console.log('watching')
