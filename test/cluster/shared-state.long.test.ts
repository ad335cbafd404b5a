import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { RawClient } from '../support/raw-client.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const put = (node: RunningNode, workspace: string, token: string): Promise<Response> =>
  fetch(`${node.url}/v1/workspaces/${workspace}/blocks/b`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: '{"type":"text","content":"x"}',
  })

it('[A140] a revocation and the use of quotas hold at every node, also at one that was away and has lost its disk', async (context) => {
  await using scene = await ClusterScene.start(context)
  const env = { JOINERY_JWT_SECRET: SECRET, JOINERY_WORKSPACES_PER_PRINCIPAL: '2' }
  const one = await scene.node('n1', { env })
  const two = await scene.node('n2', { env })
  const [eve, ada] = await Promise.all([makeToken({ sub: 'eve' }), makeToken({ sub: 'ada' })])
  expect((await put(one, 'a', eve)).status).toBe(201)
  expect((await put(two, 'b', eve)).status).toBe(201)
  let tries = 0
  // A new workspace each time: one that a node has let in before it heard of the others is there from then on.
  const refusal = async (node: RunningNode): Promise<unknown> =>
    ((await (await put(node, `c-${++tries}`, eve)).json()) as { error?: { code?: unknown } }).error?.code
  const client = await RawClient.open({ url: one.socketUrl, path: 'a', query: { token: eve }, wantsJoinery: true })

  const revoked = await joinery('revoke', '--sub', 'ada', '--data', one.directory)
  expect(revoked.output).toContain('are refused')
  await expect.poll(async () => (await put(two, 'b', ada)).status).toBe(401)
  await expect.poll(() => refusal(one)).toBe('quota_workspaces')
  await expect.poll(() => refusal(two)).toBe('quota_workspaces')
  const three = await scene.node('n3', { env })
  expect((await put(three, 'd', ada)).status).toBe(401)
  expect(await refusal(three)).toBe('quota_workspaces')
  expect((await joinery('revoke', '--sub', 'eve', '--data', three.directory)).exit.code).toBe(0)
  expect(await client.ended).toMatchObject({ kind: 'close', code: 4401 })
})
