import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { natsServerPath } from '@joinery/cluster/testing'
import { expect, it } from 'vitest'
import { skipForWant } from '../support/skip-for-want.ts'

const RUN_THREE = fileURLToPath(new URL('../../apps/server/src/cluster/run-three.mts', import.meta.url))

it('[A130] `npm run cluster` kills each of its processes by its name and starts it again, and the other nodes go on', async (context) => {
  const path = await natsServerPath()
  if (path === undefined) return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
  const child = spawn(process.execPath, [RUN_THREE], { env: { ...process.env, NATS_SERVER: path } })
  const exited = once(child, 'exit')
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
  const untilSaid = async (text: string | RegExp): Promise<void> => await expect.poll(() => said).toMatch(text)
  try {
    await untilSaid('Ctrl+C')
    const urls = [...said.matchAll(/http:\/\/127\.0\.0\.1:\d+(?=\/w\/demo)/g)].map(([url]) => url)
    const put = async (node: number, block: string): Promise<number | undefined> => {
      const headers = { 'content-type': 'application/json', 'x-joinery-source': 'user_action' }
      const init = { method: 'PUT', headers, body: JSON.stringify({ type: 'text', content: block }) }
      const answer = await fetch(`${urls[node]}/v1/workspaces/demo/blocks/${block}`, init).catch(() => undefined)
      return answer?.status
    }
    await expect.poll(() => put(0, 'first')).toBeOneOf([200, 201])
    child.stdin.write('n1\nnats-n1\nn9\n')
    await untilSaid(/n1 has ended \(SIGKILL\)/)
    await untilSaid(/nats-n1 has ended \(SIGKILL\)/)
    await untilSaid(/there is no n9: type one of nats-n1 .*n3/)
    await expect.poll(() => put(1, 'second')).toBeOneOf([200, 201])
    child.stdin.write('nats-n1\nn1\n')
    await untilSaid(/^n1 is back/m)
    await expect.poll(() => put(0, 'third')).toBeOneOf([200, 201])
    child.kill('SIGINT')
    expect(await exited).toEqual([0, null])
  } finally {
    child.kill('SIGTERM')
    await exited
  }
})
