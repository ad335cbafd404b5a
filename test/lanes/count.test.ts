import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startChild } from '../support/child-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const COUNT = fileURLToPath(new URL('../../.ci/count.mjs', import.meta.url))

const report = (numPassedTests: number, numFailedTests: number, numPendingTests: number) =>
  JSON.stringify({ numPassedTests, numFailedTests, numPendingTests, numTodoTests: 0 })

/** Counts two lanes of tests and the checks, which ended with these exit codes. */
async function count(codes: readonly [number, number, number], firstFailed = 0) {
  await using directory = await tempDirectory()
  const [quick, long, check] = codes
  await writeFile(join(directory.path, 'ended'), `test ${quick} 60\ntest:long ${long} 300\ncheck ${check} 30\n`)
  await writeFile(join(directory.path, 'test.json'), report(10, firstFailed, 1))
  // The report of the other lane is there only when the lane came to its end.
  if (long < 2) await writeFile(join(directory.path, 'test:long.json'), report(5, 0, 0))
  const child = startChild({ args: [COUNT, directory.path] })
  const { code } = await child.exited
  return [child.stdout().trim().split('\n').at(-1), code]
}

it('[T88] the last line of the gate has the sum of all lanes, and what failed outside of tests counts as one', async () => {
  expect(await count([0, 0, 0])).toEqual(['15 passed, 0 failed, 1 skipped', 0])
  expect(await count([1, 0, 0], 2)).toEqual(['15 passed, 2 failed, 1 skipped', 1])
  expect(await count([0, 0, 1])).toEqual(['15 passed, 1 failed, 1 skipped', 1])
  expect(await count([0, 1, 1])).toEqual(['15 passed, 2 failed, 1 skipped', 1])
  expect(await count([0, 2, 0])).toEqual(['10 passed, 1 failed, 1 skipped', 1])
})
