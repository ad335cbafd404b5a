import { connectWorkspace } from '@joinery/client'

/**
 * Run by lease-holders.long.test.ts: a job that holds an index for itself, says so, and never ends by itself. At each line on its input it
 * writes under its lease, and says what became of that.
 */
const [url = '', actor = 'engine', ttlMs = '1000'] = process.argv.slice(2)
const author = { source: 'workflow_execution', actor } as const
const workspace = connectWorkspace({ url, workspace: 'w', ...author })
const outcome = await workspace.withRun(
  'b',
  'search',
  async ({ lease, signal }) => {
    if (lease === undefined) throw new Error('an exclusive job has a lease')
    console.log(`holds ${lease.fence}`)
    process.stdin.on('data', () => {
      lease
        .transact(({ blocks }) => blocks.get('b')?.content.insert(0, `${actor} `))
        .then(
          () => console.log('written'),
          (error: { code?: string }) => console.log(`refused ${error.code}`),
        )
    })
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    console.log(`aborted ${signal.reason.code}`)
  },
  { ...author, exclusive: { ttlMs: Number(ttlMs) } },
)
console.log(`ended ${outcome.outcome}`)
