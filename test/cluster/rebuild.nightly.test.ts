import { natsServerPath } from '@joinery/cluster/testing'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { skipForWant } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { JoineryCluster, NODES, type NodeIndex } from './joinery-cluster.ts'
import { SERVERS } from './nats-cluster.ts'

const WORKSPACES = ['one', 'two', 'three']

it('[Q73] three NATS servers that are emptied at once get all histories again from the nodes, which live or were stopped', async (context) => {
  const path = await natsServerPath()
  if (path === undefined) return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
  await using home = await tempDirectory()
  const cluster = await JoineryCluster.start(path, home.path)
  try {
    const acknowledged = new Map(WORKSPACES.map((workspace) => [workspace, new Set<string>()]))
    const ask = (node: NodeIndex, workspace: string, rest: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${cluster.linksOf(node).port}/v1/workspaces/${workspace}${rest}`, {
        ...init,
        headers: { 'content-type': 'application/json', 'x-joinery-actor': 'ann' },
      })
    const put = async (node: NodeIndex, workspace: string, block: string): Promise<boolean> => {
      const body = JSON.stringify({ type: 'text', content: block })
      const { status } = await ask(node, workspace, `/blocks/${block}`, { method: 'PUT', body }).catch(() => ({
        status: 0,
      }))
      // A request that was lost may have been carried out: its repetition changes nothing.
      const isSaved = status === 201 || status === 200
      if (isSaved) acknowledged.get(workspace)?.add(block)
      return isSaved
    }
    const blocksOf = async (node: NodeIndex, workspace: string): Promise<string[]> => {
      const answer = await ask(node, workspace, '/blocks')
      const { blocks = [] } = (await answer.json()) as { blocks?: { id: string }[] }
      return blocks.map(({ id }) => id)
    }
    const writeAll = async (prefix: string): Promise<void> => {
      for (const [index, workspace] of WORKSPACES.entries()) {
        for (let n = 0; n < 5; n++) {
          const block = `${prefix}-${n}`
          await expect.poll(() => put(NODES[index] ?? 0, workspace, block)).toBe(true)
        }
      }
    }
    /** Each node has all that was acknowledged, whichever of them owns it. */
    const expectAll = async (): Promise<void> => {
      for (const [workspace, blocks] of acknowledged) {
        for (const node of NODES) {
          const missing = async (): Promise<string[]> => {
            const found = new Set(await blocksOf(node, workspace).catch(() => []))
            return [...blocks].filter((block) => !found.has(block))
          }
          await expect.poll(missing).toEqual([])
        }
      }
    }
    const emptyServers = async (): Promise<void> => {
      await Promise.all(SERVERS.map((server) => cluster.nats.end(server)))
      await Promise.all(SERVERS.map((server) => cluster.nats.deleteStore(server)))
      await Promise.all(SERVERS.map((server) => cluster.nats.startServer(server)))
    }
    const engineAt = async (node: NodeIndex): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${cluster.linksOf(node).port}/readyz`)
      const { status, cluster: place } = (await answer.json()) as { status: string; cluster?: { engine: string } }
      return [status, place?.engine]
    }

    await writeAll('first')
    await emptyServers()
    await writeAll('second')
    for (const node of NODES) await expect.poll(() => engineAt(node)).toEqual(['ready', 'whole'])
    await expectAll()

    await cluster.stopNodes()
    await emptyServers()
    for (const server of SERVERS) await cluster.nats.untilHealthy(server)
    const engine = ['--cluster', SERVERS.map((server) => `nats://127.0.0.1:${cluster.nats.portOf(server)}`).join(',')]
    await expect(cluster.startNode(0)).rejects.toThrow(/joinery cluster rebuild/)
    const asked = ['cluster', 'rebuild', ...engine, '--data', cluster.directoryOf(0), '--nodes', 'n0,n1,n2']
    const plan = await joinery(...asked)
    expect([plan.exit.code, plan.output]).toEqual([0, expect.stringMatching(/the nodes n0, n1, n2\./)])
    expect(plan.output).toContain('Nothing was done')
    const done = await joinery(...asked, '--yes')
    expect([done.exit.code, done.output]).toEqual([0, expect.stringContaining('Done')])
    await Promise.all(NODES.map((node) => cluster.startNode(node)))
    await writeAll('third')
    for (const node of NODES) await expect.poll(() => engineAt(node)).toEqual(['ready', 'whole'])
    await expectAll()
    const checked = await joinery('cluster', 'check', ...engine)
    expect([checked.exit.code, checked.output]).toEqual([0, expect.stringContaining('agree with the history')])
  } finally {
    await cluster.stop()
  }
})
