import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Adds up what the lanes of `.ci/run` came to, prints it, and exits with 1 if anything failed. `ended` in the directory has
 * a line for each lane, its name, exit code and seconds; a lane of tests has vitest's JSON report beside it. A lane that
 * failed without a failed test (the checks; an error outside of all tests) counts as one failure. Failed tests are named once
 * more at the end, since that is the part of a long output that people are shown first.
 */
const [directory = '.'] = process.argv.slice(2)
const total = { passed: 0, failed: 0, skipped: 0 }
for (const line of readFileSync(join(directory, 'ended'), 'utf8').trim().split('\n')) {
  const [name = '', code, seconds] = line.split(' ')
  const report = reportOf(join(directory, `${name}.json`))
  for (const failure of failuresOf(report)) console.log(failure)
  const lane = countsOf(report)
  if (code !== '0' && lane.failed === 0) lane.failed = 1
  const counts = Object.entries(lane).map(([what, count]) => `${count} ${what}`)
  console.log(`npm run ${name}: ${seconds} s, exit code ${code}; ${counts.join(', ')}`)
  for (const what of Object.keys(total)) total[what] += lane[what]
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
if (total.failed > 0) process.exitCode = 1

function reportOf(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

function countsOf(report) {
  if (report === undefined) return { passed: 0, failed: 0, skipped: 0 }
  const skipped = report.numPendingTests + report.numTodoTests
  return { passed: report.numPassedTests, failed: report.numFailedTests, skipped }
}

/** A line for each failed test, and one for each file that failed outside of its tests, with the start of what it said. */
function* failuresOf(report) {
  for (const file of report?.testResults ?? []) {
    const path = relative(process.cwd(), file.name)
    const failed = file.assertionResults.filter(({ status }) => status === 'failed')
    if (failed.length === 0 && file.status === 'failed') yield `FAILED ${path}: ${startOf(file.message)}`
    for (const test of failed) yield `FAILED ${path}: ${test.fullName}: ${startOf(test.failureMessages[0])}`
  }
}

function startOf(message = '') {
  return message.split('\n').slice(0, 4).join(' | ').slice(0, 600)
}
