import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Adds up what the lanes of `.ci/run` came to, prints it, and exits with 1 if anything failed. `ended` in the directory has
 * a line for each lane, its name, exit code and seconds; a lane of tests has vitest's JSON report beside it. A lane that
 * failed without a failed test (the checks; an error outside of all tests) counts as one failure.
 */
const [directory = '.'] = process.argv.slice(2)
const total = { passed: 0, failed: 0, skipped: 0 }
for (const line of readFileSync(join(directory, 'ended'), 'utf8').trim().split('\n')) {
  const [name = '', code, seconds] = line.split(' ')
  const lane = countsOf(join(directory, `${name}.json`))
  if (code !== '0' && lane.failed === 0) lane.failed = 1
  const counts = Object.entries(lane).map(([what, count]) => `${count} ${what}`)
  console.log(`npm run ${name}: ${seconds} s, exit code ${code}; ${counts.join(', ')}`)
  for (const what of Object.keys(total)) total[what] += lane[what]
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
if (total.failed > 0) process.exitCode = 1

function countsOf(path) {
  if (!existsSync(path)) return { passed: 0, failed: 0, skipped: 0 }
  const report = JSON.parse(readFileSync(path, 'utf8'))
  const skipped = report.numPendingTests + report.numTodoTests
  return { passed: report.numPassedTests, failed: report.numFailedTests, skipped }
}
