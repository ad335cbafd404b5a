import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { startServer } from './fixture.ts'

it('[C96] the SDK does its work where an old engine lacks what new ones have', async () => {
  const { url } = await startServer()
  const program = new URL('old-realm-process.ts', import.meta.url).pathname
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, url])
  expect(stderr).toBe('')
  expect(stdout).toBe('error\ndone once, once, typed, durably\nclosed closed\n')
})
