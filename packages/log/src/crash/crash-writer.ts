import { writeSync } from 'node:fs'
import type { Durability, LogEntry, Receipt, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { sampleUpdate } from '../testing/sample-update.ts'
import { appendTurn, TEAMS, turnsOf } from './team.ts'

/**
 * A program for crash tests: `crash-writer.ts DIRECTORY DURABILITY` appends to several workspaces until it is killed. It
 * also makes turns that append to all logs of a team. It prints "WORKSPACE LSN" for each append once it is durable, and
 * "state STATE" at each change of state (for a failed store, the code of its error).
 */
const WRITERS = 5

const [directory = '', durability = 'sync'] = process.argv.slice(2)
const store = await openLevelStore({ directory, durability: durability as Exclude<Durability, 'memory'> })
store.onStateChange((state) => print(`state ${state.state === 'failed' ? state.error.code : state.state}`))

function print(line: string): void {
  // Not console.log: the line must be out before the next append.
  writeSync(1, `${line}\n`)
}

function entryOf(workspace: string, lsn: number): LogEntry {
  const update = sampleUpdate(workspace, lsn)
  return { update, actor: 'ann', source: 'user_action', connection: 'c1', touched: ['b/content'] }
}

async function writeOn(log: WorkspaceLog, burst: number): Promise<never> {
  for (;;) {
    const receipts: Receipt[] = []
    try {
      for (let n = 0; n < burst; n++) {
        receipts.push(log.append(entryOf(log.workspace, log.head + 1)))
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

/** Makes one turn after the other. While storage fails, an append throws before any other append of its turn. */
async function makeTurns(logs: readonly WorkspaceLog[]): Promise<never> {
  for (let turn = turnsOf(logs.map(({ head }) => head)) + 1; ; ) {
    let receipts: Receipt[] = []
    try {
      receipts = appendTurn(logs, turn, entryOf)
      turn++
    } catch (error) {
      if (!(error instanceof LogError) || store.state.state !== 'failed') throw error
      await untilOpen()
    }
    // Some turns are not waited for: then several are on their way when storage fails.
    if (turn % 3 !== 0) await new Promise((resolve) => setImmediate(resolve))
    else await Promise.all(receipts.map(({ durable }) => durable))
    for (const [place, { lsn, durable }] of receipts.entries()) {
      void durable.then(() => print(`${logs[place]?.workspace} ${lsn}`))
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

await Promise.all([
  ...Array.from({ length: WRITERS }, async (_, n) => writeOn(await store.open(`w${n}`), 1 + 2 * n)),
  makeTurns(await Promise.all(TEAMS.five.map((name) => store.open(name)))),
])
