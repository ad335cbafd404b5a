import { writeSync } from 'node:fs'
import { openLevelStore } from '@joinery/log'
import type { SagaShape } from '@joinery/protocol'
import { openTasks } from '@joinery/tasks'
import { PlainDocuments } from '@joinery/tasks/testing'

/**
 * A program for crash tests: `tasks-writer.ts DIRECTORY async|sync` starts tasks and does their work until it is killed. Each
 * step writes to the document. It prints the key of each start that was answered, and "end" with the token of each attempt.
 */
const [directory = '', durability = ''] = process.argv.slice(2)
if (durability !== 'async' && durability !== 'sync') throw new Error('usage: DIRECTORY async|sync')
const store = await openLevelStore({ directory, durability })
const documents = new PlainDocuments(store)
const quiet = (): void => undefined
const tasks = await openTasks({
  ...{ openSystemLog: (name) => store.open(name), atomically: (work) => store.atomically(work), copy: store.copy },
  ...{ documents, logger: { info: quiet, warn: quiet, error: quiet }, limits: { leaseMs: 200 } },
})
const saga: SagaShape = {
  ...{ name: 'saga', version: 1, digest: 'd' },
  steps: ['one', 'two', 'three'].map((name) => ({
    name,
    kind: 'step',
    hasUndo: true,
    retry: { attempts: 99, firstMs: 1, maxMs: 5 },
  })),
}
const never = new AbortController().signal
const ask = { worker: `w${process.pid}`, serves: [saga], max: 4, waitMs: 1_000 }
await tasks.lease({ ...ask, waitMs: 0 }, () => false, never)

async function start(): Promise<void> {
  for (let n = 1; ; n++) {
    const key = `${process.pid} ${n}`
    await tasks.start('w', {
      saga: 'saga',
      input: n,
      key,
      by: { actor: 'ada', source: 'user_action' },
      subject: { block: 'b', name: `${n}` },
    })
    // Not console.log: the line must be out before the next start.
    writeSync(1, `started ${key}\n`)
  }
}

async function work(): Promise<void> {
  for (;;) {
    for (const { token, kind, key, step } of await tasks.lease(ask, () => true, never)) {
      const fails = kind === 'run' && step === 'three' && key.charCodeAt(0) % 2 === 0
      if (fails) await tasks.failed(token, { error: 'no', class: 'permanent' })
      else await tasks.done(token, { result: key, operations: [{ kind, key }] })
    }
  }
}

await Promise.all([start(), work()])
