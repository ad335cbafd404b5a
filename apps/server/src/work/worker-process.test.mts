import { once } from 'node:events'
import { getPriority } from 'node:os'
import { expect, it } from 'vitest'
import { spawnWorker } from './worker-process.mts'

it('[A86] the worker of a server gives way to the server', async () => {
  const child = spawnWorker(['--help'])
  const exited = once(child, 'exit')
  try {
    expect(getPriority(child.pid)).toBe(Math.min(getPriority() + 5, 19))
  } finally {
    child.kill('SIGKILL')
    await exited
  }
})
