import { writeSync } from 'node:fs'
import { openLevelStore } from '../store/level-store.ts'
import { PHASES, type PhaseName } from './course.ts'

/**
 * A program for crash tests: `course-child.ts DIRECTORY async|sync PHASE` opens the store, goes through one phase of
 * course.ts and closes it. It prints each promise as a line of JSON, and ends with 0 unless it is killed.
 */
const [directory = '', durability = '', phase = ''] = process.argv.slice(2)
if ((durability !== 'async' && durability !== 'sync') || !(phase in PHASES)) {
  throw new Error('usage: DIRECTORY async|sync PHASE')
}
// A tracer makes writes slow: with the default window, each write would get an fsync of its own.
const store = await openLevelStore({ directory, durability, windowMs: 50 })
// Not console.log: the line must be out before anything else is done.
await PHASES[phase as PhaseName](store, (promised) => writeSync(1, `${JSON.stringify(promised)}\n`))
await store.close()
