import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { Demonstration } from './demonstration.ts'

it('[D4] a demonstration ends its writers when its time is up, even when they hang', async () => {
  // This server takes connections and never answers, so the writers wait for their first sync without end.
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await new Promise((resolve) => silent.once('listening', resolve))
  const address = silent.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const demonstration = new Demonstration({
    url: `ws://127.0.0.1:${port}`,
    workspace: 'w',
    scenario: 'two_jobs',
    block: undefined,
    vectorsDirectory: '/nowhere',
    pace: 1,
    timeMaxMs: 400,
  })
  await demonstration.over
  const { state, reason, writers } = demonstration.view
  expect([state, reason]).toEqual(['failed', 'it took longer than the allowed 0.4 seconds'])
  expect(writers.map(({ actor, state: writerState }) => [actor, writerState])).toEqual([['template', 'ended']])
  for (const { pid = 0 } of writers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})
