import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import type { WorkspaceId } from '@joinery/protocol'
import { expect, it } from 'vitest'
import { openClusterNode } from './cluster-node.ts'
import type { Engine } from './engine/engine.ts'
import { MemoryEngine } from './engine/memory/memory-engine.ts'
import { CutEngine } from './testing/cut-engine.ts'

const W = 'w' as WorkspaceId

it('[Q64] a key whose release was not answered is deleted once the engine answers, so that other nodes may have the workspace', async () => {
  const engine = new MemoryEngine()
  const clock = new HandClock()
  const open = (node: string, link: Engine) =>
    openClusterNode({ engine: link, store: openMemoryStore(), node, advertise: `${node}:1`, clock })
  const link = new CutEngine(engine.connect('a'))
  const [a, b] = [await open('a', link.engine), await open('b', engine.connect('b'))]
  const claim = await a.ownership.claim(W)
  link.isAway = true
  await expect('held' in claim && claim.held.release()).rejects.toMatchObject({ code: 'unavailable' })
  clock.pass(1_000)
  expect(await b.ownership.claim(W)).toEqual({ at: 'a:1' })
  link.isAway = false
  clock.pass(1_000)
  await expect.poll(() => engine.meta.get('own.dw')).toBeUndefined()
  expect(await b.ownership.claim(W)).toMatchObject({ held: { token: expect.any(Number) } })
  await Promise.all([a.close(), b.close()])
})

it('[Q20] claims of one node share the key of a workspace, which goes with the last of them, and every node hears of its owner', async () => {
  const engine = new MemoryEngine()
  const open = (node: string) =>
    openClusterNode({ engine: engine.connect(node), store: openMemoryStore(), node, advertise: `${node}:1` })
  const [a, b] = [await open('a'), await open('b')]
  const heard: (string | undefined)[] = []
  b.ownership.onChange((_, owner) => heard.push(owner?.node))
  const claims = [await a.ownership.claim(W), await a.ownership.claim(W)]
  await expect.poll(() => b.ownerOf(W)).toMatchObject({ node: 'a', address: 'a:1' })
  for (const claim of claims) {
    expect(await b.ownership.claim(W)).toEqual({ at: 'a:1' })
    if ('held' in claim) await claim.held.release()
  }
  const [released] = [await a.ownership.claim(W)]
  // Released and claimed at once: the second claim is not lost with the first.
  const again = 'held' in released ? [released.held.release(), a.ownership.claim(W)] : []
  const [, kept] = await Promise.all(again)
  expect(kept).toMatchObject({ held: { lost: { aborted: false } } })
  await expect.poll(() => heard).toEqual(['a', undefined, 'a', undefined, 'a'])
  expect(kept).toMatchObject({ held: { lost: { aborted: false } } })
  await Promise.all([a.close(), b.close()])
  await a.close()
})
