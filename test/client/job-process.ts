import { connectWorkspace } from '@joinery/client'

/** Run by long-jobs.long.test.ts: a job that says that it runs, and never ends by itself. */
const [url = '', runId = ''] = process.argv.slice(2)
const author = { source: 'workflow_execution', actor: 'engine' } as const
const job = connectWorkspace({ url, workspace: 'w', ...author })
await job.withRun(
  'b',
  'search',
  () => {
    console.log('runs')
    return new Promise(() => undefined)
  },
  { ...author, runId },
)
