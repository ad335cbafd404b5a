import { setImmediate as turn } from 'node:timers/promises'
import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import type { WorkspaceId } from '@joinery/protocol'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { CutEngine } from '../testing/cut-engine.ts'

const WORKSPACES = Array.from({ length: 40 }, (_, n) => `w${n}` as WorkspaceId)
const STEP_MS = 50
const entry = { actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Uint8Array.of(0, 0) }

it('[Q62] copies whose owner has died are given up together, as soon as the engine answers and the owner is known to be dead', async () => {
  const engine = new MemoryEngine()
  const [owner, link, clock] = [engine.connect('a'), new CutEngine(engine.connect('b')), new HandClock()]
  const a = await openClusterNode({ engine: owner, store: openMemoryStore(), node: 'a', advertise: 'a:1' })
  const place = { node: 'b', advertise: 'b:1', clock }
  const b = await openClusterNode({ engine: link.engine, store: openMemoryStore(), ...place })
  /** Virtual time until something holds, ms. */
  const passUntil = async (holds: () => boolean | Promise<boolean>): Promise<number> => {
    for (let passedMs = 0; ; passedMs += STEP_MS) {
      if (await holds()) return passedMs
      clock.pass(STEP_MS)
      for (let n = 0; n < 20; n++) await turn()
    }
  }
  for (const workspace of WORKSPACES) await (await a.store.open(workspace)).append(entry).durable
  await passUntil(async () => {
    const heads = await Promise.all(WORKSPACES.map((name) => b.store.withCopy(name, async (log) => log.head)))
    return heads.every((head) => head === 1) && WORKSPACES.every((name) => b.ownership.ownerOf(name)?.node === 'a')
  })
  await owner.close()
  link.isAway = true
  for (const workspace of WORKSPACES) await b.store.openCopy(workspace)
  expect(b.store.awayCount).toBe(WORKSPACES.length)
  link.isAway = false
  // One look, and the second without anybody who answers for the owner: not a second for each.
  expect(await passUntil(() => b.store.awayCount === 0)).toBeLessThan(3_000)
  const own = await b.ownership.claim('w0' as WorkspaceId)
  expect(own).toMatchObject({ held: { token: expect.any(Number) } })
  b.ownership.close()
})
