import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { runSaga } from './saga.mjs'

// A job's data can't be changed: the steps that happened are in a table beside the jobs.
const url = process.env.PG_URL
const db = new pg.Pool({ connectionString: url })
const boss = new PgBoss(url)
boss.on('error', (error) => console.error(error))
await boss.start()
await boss.work('saga', { pollingIntervalSeconds: 0.5 }, async ([{ data }]) => {
  const { rows } = await db.query('select state from saga_state where job = $1', [data.job])
  const state = rows[0]?.state ?? { done: [], isRefused: false }
  const keep = (kept) =>
    db.query('insert into saga_state values ($1, $2) on conflict (job) do update set state = $2', [data.job, kept])
  const isDone = await runSaga(data.job, state, keep)
  await db.query('insert into saga_end values ($1, $2) on conflict do nothing', [data.job, isDone ? 'done' : 'failed'])
})
console.log('ready')
