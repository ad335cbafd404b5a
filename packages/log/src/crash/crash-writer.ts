import { writeSync } from 'node:fs'
import type { Durability, Receipt, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { sampleUpdate } from '../testing/sample-update.ts'

/**
 * A program for crash tests: `crash-writer.ts DIRECTORY DURABILITY` appends to several workspaces until it is killed.
 * It prints "WORKSPACE LSN" for each append once it is durable, and "state STATE" at each change of state (for a failed
 * store, the code of its error).
 */
const WRITERS = 5

const [directory = '', durability = 'sync'] = process.argv.slice(2)
const store = await openLevelStore({ directory, durability: durability as Exclude<Durability, 'memory'> })
store.onStateChange((state) => print(`state ${state.state === 'failed' ? state.error.code : state.state}`))

function print(line: string): void {
  // Not console.log: the line must be out before the next append.
  writeSync(1, `${line}\n`)
}

async function writeOn(log: WorkspaceLog, burst: number): Promise<never> {
  for (;;) {
    const receipts: Receipt[] = []
    try {
      for (let n = 0; n < burst; n++) {
        const update = sampleUpdate(log.workspace, log.head + 1)
        receipts.push(
          log.append({ update, actor: 'ann', source: 'user_action', connection: 'c1', touched: ['b/content'] }),
        )
      }
    } catch (error) {
      if (!(error instanceof LogError) || store.state.state !== 'failed') throw error
      await untilOpen()
    }
    for (const { lsn, durable } of receipts) {
      await durable
      print(`${log.workspace} ${lsn}`)
    }
  }
}

function untilOpen(): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = store.onStateChange(({ state }) => {
      if (state !== 'open') return
      unsubscribe()
      resolve()
    })
  })
}

await Promise.all(Array.from({ length: WRITERS }, async (_, n) => writeOn(await store.open(`w${n}`), 1 + 2 * n)))
