import { writeSync } from 'node:fs'
import { openLevelStore } from '@joinery/log'
import { runTasks } from './tasks-course.ts'

/**
 * A program for crash tests: `tasks-course-child.ts DIRECTORY async|sync` runs the tasks of a course to their ends. It prints each
 * promise as a line of JSON, and ends with 0 unless it is killed.
 */
const [directory = '', durability = ''] = process.argv.slice(2)
if (durability !== 'async' && durability !== 'sync') throw new Error('usage: DIRECTORY async|sync')
// A tracer makes writes slow: with the default window, each write would get an fsync of its own.
const store = await openLevelStore({ directory, durability, windowMs: 50 })
// Not console.log: the line must be out before anything else is done.
await runTasks(store, (promise) => writeSync(1, `${JSON.stringify(promise)}\n`))
await store.close()
