import { tempDirectory } from '../support/temp-directory.ts'
import { fillTasks, openManyTasks } from './many-tasks.ts'

/**
 * `node --expose-gc test/bench/tasks.ts [TASKS]`: starts that many tasks (10,000 by default), half of them with a step done,
 * closes, and opens again. Prints the time of the start, the memory that the open tasks take, and starts and steps a second.
 */
const count = Number(process.argv[2] ?? 10_000)

function heapMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

await using directory = await tempDirectory()
const first = await openManyTasks(directory.path)
const { startsPerSecond, stepsPerSecond } = await fillTasks(first.tasks, count)
await first.close()
const before = heapMiB()
const openMs = performance.now()
const second = await openManyTasks(directory.path)
const tookMs = performance.now() - openMs
const after = heapMiB()
const { tasks } = await second.tasks.list('w0', { limit: 1 })
console.log(`${count} open tasks: opened in ${Math.round(tookMs)} ms, ${(after - before).toFixed(1)} MiB of heap`)
console.log(
  `${Math.round(startsPerSecond)} starts/s, ${Math.round(stepsPerSecond)} steps/s; first listed: ${tasks[0]?.state}`,
)
await second.close()
