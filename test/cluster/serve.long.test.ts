import { describe, expect, it } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const readiness = async ({ url }: RunningNode) =>
  (await (await fetch(`${url}/readyz`)).json()) as Record<string, unknown>
const put = (node: RunningNode, block: string, content: string) =>
  fetch(`${node.url}/v1/workspaces/demo/blocks/${block}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'text', content }),
  })
const contentOf = async (node: RunningNode, block: string): Promise<unknown> =>
  ((await (await fetch(`${node.url}/v1/workspaces/demo/blocks/${block}`)).json()) as { content?: unknown }).content

describe('two nodes', () => {
  it('[A90] any node takes requests and sockets of a workspace, also after its owner was drained', async (context) => {
    await using scene = await ClusterScene.start(context)
    const one = await scene.node('n1')
    const two = await scene.node('n2')
    expect((await put(one, 'a', 'by one')).status).toBe(201)
    await expect.poll(async () => (await put(two, 'b', 'by two')).status).toBeLessThan(300)
    expect(await contentOf(one, 'b')).toBe('by two')
    const metrics = await (await fetch(`${two.url}/metrics`)).text()
    expect(metrics).toMatch(/joinery_cluster_passed_requests_total [1-9]/)
    const client = await RawClient.open({ url: two.socketUrl, path: 'demo', wantsJoinery: true })
    expect(await readiness(one)).toMatchObject({ status: 'ready', cluster: { node: 'n1', isDraining: false } })

    const drained = await scene.command('drain', 'n1')
    expect(drained.output).toContain('owns no workspace any more')
    expect(await client.ended).toMatchObject({ kind: 'close', code: 1012 })
    expect(await readiness(one)).toMatchObject({ status: 'not_ready', cluster: { isDraining: true } })
    const again = await RawClient.open({ url: one.socketUrl, path: 'demo', wantsJoinery: true })
    await until('it is in sync', () => again.doc.getMap('blocks') !== undefined)
    await again.close()
    const status = JSON.parse((await scene.command('status', '--json')).stdout) as { nodes: unknown[] }
    expect(status.nodes).toMatchObject([
      { node: 'n1', answers: true, isDraining: true, owned: 0 },
      { node: 'n2', answers: true, isDraining: false, owned: 1 },
    ])
    expect((await two.child.end('SIGTERM')).code).toBe(0)
    expect((await one.child.end('SIGTERM')).code).toBe(0)
  })
})
