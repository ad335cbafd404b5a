/**
 * Watches a workspace and indexes every block that has no index `node` yet, live, with the SDK.
 *   node index-worker.mts URL WORKSPACE      (JOINERY_TOKEN when the server has keys)
 */
import { observeBlocks } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'

const [url, name] = process.argv.slice(2)
if (url === undefined || name === undefined) throw new Error('usage: node index-worker.mts URL WORKSPACE')
const token = process.env.JOINERY_TOKEN
const author = { source: 'workflow_execution', actor: 'index-worker' } as const
const workspace = connectWorkspace({ url, workspace: name, ...author, ...(token !== undefined && { token }) })
const taken = new Set<string>()

/** Counts words, where a real worker would embed them. */
async function index(id: string): Promise<void> {
  const block = workspace.blocks.get(id)
  if (block === undefined || taken.has(id) || block.indexingList.get('node')?.status === 'done') return
  taken.add(id)
  const run = block.indexingList.startRun('node', author)
  const words = block.text.split(/\s+/).filter((word) => word !== '').length
  block.indexingList.report('node', run, 'done', { ...author, chunks: words })
  await workspace.whenDurable()
  console.log(`indexed ${id}: ${words} words`)
}

await workspace.whenSynced
observeBlocks(workspace.doc, ({ added }) => {
  // After the transaction that is being told of.
  for (const id of added) queueMicrotask(() => void index(id))
})
for (const block of workspace.blocks.list()) await index(block.id)
console.log('watching')
process.once('SIGTERM', () => void workspace.close())
