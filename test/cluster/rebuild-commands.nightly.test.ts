import { emptyNats } from '@joinery/cluster/testing'
import { expect, it } from 'vitest'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const put = async ({ url }: RunningNode, block: string): Promise<number> => {
  const headers = { 'content-type': 'application/json', 'x-joinery-actor': 'ann' }
  const body = JSON.stringify({ type: 'text', content: block })
  const answer = await fetch(`${url}/v1/workspaces/w/blocks/${block}`, { method: 'PUT', headers, body })
  return answer.status
}
const blocksOf = async ({ url }: RunningNode): Promise<string[]> => {
  const answer = await fetch(`${url}/v1/workspaces/w/blocks`, { headers: { 'x-joinery-actor': 'ann' } })
  const { blocks = [] } = (await answer.json()) as { blocks?: { id: string }[] }
  return blocks.map(({ id }) => id)
}
const engineAt = async ({ url }: RunningNode): Promise<unknown> => {
  const { cluster } = (await (await fetch(`${url}/readyz`)).json()) as { cluster?: { engine?: unknown } }
  return cluster?.engine
}

it('[Q73] an operator gives a node up for which an emptied engine waits, and is told where the engine has another cluster’s data', async (context) => {
  await using scene = await ClusterScene.start(context)
  const [one, two] = [await scene.node('n1'), await scene.node('n2')]
  await expect.poll(() => put(one, 'first')).toBe(201)
  await expect.poll(async () => (await scene.command('check')).exit.code).toBe(0)

  await two.child.end('SIGKILL')
  await emptyNats(scene.natsUrl)
  await expect.poll(() => engineAt(one)).toBe('waits')
  const asked = await scene.command('rebuild')
  expect([asked.exit.code, asked.output]).toEqual([0, expect.stringMatching(/the copies of n1, n2\..*--without NODE/s)])
  const unknown = await scene.command('rebuild', '--without', 'n3', '--yes')
  expect([unknown.exit.code, unknown.output]).toEqual([1, expect.stringContaining('n3 is none of them')])
  const plan = await scene.command('rebuild', '--without', 'n2')
  expect([plan.exit.code, plan.output]).toEqual([
    0,
    expect.stringMatching(/n2 is waited for no longer.*Nothing was done/s),
  ])
  expect(await engineAt(one)).toBe('waits')
  const done = await scene.command('rebuild', '--without', 'n2', '--yes')
  expect([done.exit.code, done.output]).toEqual([0, expect.stringContaining('Done.')])
  await expect.poll(() => engineAt(one)).toBe('whole')
  await expect.poll(() => blocksOf(one).catch(() => [])).toEqual(['first'])

  // A cluster of another name comes while the node does not look.
  process.kill(one.child.pid ?? 0, 'SIGSTOP')
  await emptyNats(scene.natsUrl)
  const stranger = await scene.node('stranger')
  process.kill(one.child.pid ?? 0, 'SIGCONT')
  await expect.poll(() => engineAt(one)).toBe('foreign')
  const refused = await scene.command('rebuild', '--data', one.directory, '--nodes', 'n1', '--yes')
  expect([refused.exit.code, refused.output]).toEqual([1, expect.stringContaining('nothing has to be made anew')])
  expect(await blocksOf(stranger)).toEqual([])
})
