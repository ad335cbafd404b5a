import { getBlock, type LongWork } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import type * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'
import { freeWork } from '../testing/free-work.ts'
import { stateInTurns } from './reads.ts'
import type { Services } from './services.ts'

/** Ends when the block is there: never, if nobody else has a turn meanwhile. */
function* awaiting(doc: Y.Doc, block: string): LongWork<boolean> {
  const givesUpAtMs = performance.now() + 20_000
  while (getBlock(doc, block) === undefined && performance.now() < givesUpAtMs) yield
  return getBlock(doc, block) !== undefined
}

it('[H124] long work on a workspace as of now is done in turns, between which others write to it', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text' })
  const work = freeWork('w' as WorkspaceId)
  const services = { workspaces: api.server.workspaces } as Services
  const reading = stateInTurns(services, { workspace: 'w', at: undefined, work }, (doc) => awaiting(doc, 'b'))
  await api.call('PUT', '/blocks/b', { type: 'text' })
  expect(await reading).toBe(true)
})
