import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sdkExample } from '../apps/server/src/start-page.mts'
import { startJoinery } from './support/joinery-process.ts'
import { tempDirectory } from './support/temp-directory.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const ADDRESS = 'ws://127.0.0.1:1234'
const example = /```ts\n(import .*?)\n```/s.exec(README)?.[1] ?? expect.fail('README.md has no example')

it('[A21] the example in README.md does what it says when it runs against a server', async () => {
  await using directory = await tempDirectory()
  await using joinery = await startJoinery({ directory: directory.path, durability: 'memory' })
  const code = example.replace(ADDRESS, joinery.url)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
  })
  expect(stderr).toBe('')
  expect(stdout).toContain("content: 'Measure twice, cut once.'")
  expect(stdout).toContain("status: 'done'")
})

it('[A21] the start page shows the example of README.md', () => {
  expect(sdkExample(ADDRESS)).toBe(example)
})
