import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Durability } from '../event-store.ts'
import { openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleUpdate } from '../testing/sample-update.ts'
import { expectWholeTurns } from './whole-turns.ts'

const PROGRAM = fileURLToPath(new URL('./crash-writer.ts', import.meta.url))
type OnDisk = Exclude<Durability, 'memory'>

/** One line of the child: an append became durable, or the state of the store changed. */
export type CrashLine = { workspace: string; lsn: number } | { state: string }

/**
 * Runs crash-writer.ts until `isEnough` accepts a line that it has just printed, then kills it. Returns the highest LSN
 * that it acknowledged in each workspace.
 */
export async function appendUntil(
  directory: string,
  durability: OnDisk,
  isEnough: (line: CrashLine) => boolean | Promise<boolean>,
): Promise<Map<string, number>> {
  const child = spawn(process.execPath, [PROGRAM, directory, durability], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const acknowledged = new Map<string, number>()
  for await (const text of createInterface({ input: child.stdout })) {
    // The kill may have cut the last line.
    const [, subject = '', value = ''] = /^(\S+) (\S+)$/.exec(text) ?? []
    if (value === '') continue
    if (subject !== 'state') acknowledged.set(subject, Number(value))
    const line = subject === 'state' ? { state: value } : { workspace: subject, lsn: Number(value) }
    if (!child.killed && (await isEnough(line))) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return acknowledged
}

/**
 * Fails unless everything acknowledged is there, whole and without gaps, and every turn of the team is there whole or not at
 * all. Returns the number of records.
 */
export async function expectAll(
  directory: string,
  durability: OnDisk,
  acknowledged: ReadonlyMap<string, number>,
): Promise<number> {
  const store = await openLevelStore({ directory, durability })
  await expectWholeTurns(store, 'five')
  let records = 0
  for (const [workspace, lsn] of acknowledged) {
    const log = await store.open(workspace)
    expect(log.head, workspace).toBeGreaterThanOrEqual(lsn)
    const found = await readAll(log)
    expect(found.map((record) => record.lsn)).toEqual(Array.from({ length: log.head }, (_, n) => n + 1))
    for (const record of found) {
      expect(Buffer.compare(record.update, sampleUpdate(workspace, record.lsn)), `${workspace} ${record.lsn}`).toBe(0)
    }
    records += found.length
  }
  await store.close()
  return records
}
