import { connectWorkspace } from '@joinery/client'

/** Run by keyed.crash.test.ts: a job that makes one keyed edit, says what it was told, and ends. */
const [url = '', workspace = '', idempotencyKey = '', entry = ''] = process.argv.slice(2)
await using job = connectWorkspace({ url, workspace, actor: 'job', source: 'workflow_execution' })
const receipt = await job.transactOnce(({ doc }) => doc.getArray<string>('entries').push([entry]), { idempotencyKey })
console.log(JSON.stringify(receipt))
