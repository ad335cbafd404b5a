import { writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const TTL_MS = 120_000

it('[A138] leases and signed heads hold over a takeover: nobody else gets the lease, fences grow, and the earlier head is contained', async (context) => {
  await using scene = await ClusterScene.start(context)
  await using home = await tempDirectory()
  const key = `${home.path}/head.key`
  expect((await joinery('keygen', '--out', key)).exit.code).toBe(0)
  const more = ['--head-key', key]
  const [one, two] = [await scene.node('n1', { more }), await scene.node('n2', { more })]
  const ask = async ({ url }: RunningNode, actor: string, path: string, init: RequestInit = {}) => {
    const headers = { 'content-type': 'application/json', 'x-joinery-actor': actor, ...init.headers }
    const answer = await fetch(`${url}/v1/workspaces/demo${path}`, { ...init, headers })
    const text = await answer.text()
    return { status: answer.status, text, json: text === '' ? {} : JSON.parse(text) }
  }
  const put = (node: RunningNode, block: string) =>
    ask(node, 'ann', `/blocks/${block}`, { method: 'PUT', body: JSON.stringify({ type: 'text', content: block }) })
  const acquire = (node: RunningNode, actor: string) =>
    ask(node, actor, '/leases', { method: 'POST', body: JSON.stringify({ name: 'import', ttlMs: TTL_MS, waitMs: 0 }) })

  expect((await put(one, 'a')).status).toBe(201)
  const first = await acquire(one, 'ann')
  expect(first.status).toBe(201)
  const lease = { 'x-joinery-lease': first.json.token as string }
  const head = await ask(one, 'ann', '/head')
  expect(head.status).toBe(200)
  await one.child.end('SIGKILL')

  // From the kill on: whatever the next owner knows at each moment, it gives the lease to nobody.
  const statuses = new Set<number>()
  await expect
    .poll(async () => {
      const { status } = await acquire(two, 'bob')
      statuses.add(status)
      return status
    })
    .toBe(409)
  expect(statuses).not.toContain(201)
  const renewal = JSON.stringify({ token: first.json.token, ttlMs: TTL_MS })
  const renewed = await ask(two, 'ann', '/leases/import/renew', { method: 'POST', body: renewal })
  expect([renewed.status, renewed.json.fence]).toEqual([200, first.json.fence])
  expect((await put(two, 'b')).status).toBe(201)
  expect((await ask(two, 'ann', '/leases/import', { method: 'DELETE', headers: lease })).status).toBeLessThan(300)
  const second = await acquire(two, 'bob')
  expect(second.status).toBe(201)
  expect(second.json.fence).toBeGreaterThan(first.json.fence)

  const later = await ask(two, 'ann', '/head')
  expect([later.json.generation, later.json.key]).toEqual([head.json.generation, head.json.key])
  expect(later.json.lsn).toBeGreaterThan(head.json.lsn)
  expect((await two.child.end('SIGTERM')).code).toBe(0)
  const heads = `${home.path}/heads`
  await writeFile(heads, `${head.text}\n${later.text}\n`)
  const verified = await joinery('verify', '--data', two.directory, '--head', heads)
  expect([verified.exit.code, verified.output]).toEqual([0, expect.stringContaining(`demo at ${head.json.lsn}`)])
})
