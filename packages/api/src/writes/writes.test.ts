import { CLAIM_LISTS, createBlock, documentRules, getBlock } from '@joinery/blocks'
import { createServer, type WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import { API_LIMITS } from '../api-limits.ts'
import { History } from '../history/history.ts'
import { replayTurns } from '../history/replay-turns.ts'
import { freeWork } from '../testing/free-work.ts'
import { type WriteRequest, Writes } from './writes.ts'

const W = 'w' as WorkspaceId
const author = { actor: 'ada', source: 'user_action' } as const

function startWrites(limits = {}) {
  const server = createServer({ rules: documentRules })
  const { workspaces } = server
  const history = new History({
    workspaces,
    turns: replayTurns(API_LIMITS),
    pageRecordsMax: 10,
    pageBytesMax: 1e6,
  })
  return {
    workspaces,
    writes: new Writes({ workspaces, history, lists: CLAIM_LISTS, limits: { ...API_LIMITS, ...limits } }),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

const append: WriteRequest = {
  workspace: W,
  author,
  work: freeWork(W),
  blocks: ['b'],
  key: 'once',
  lease: undefined,
  fingerprint: () => 'append',
  sync: false,
  check: () => undefined,
  run: (doc) => createBlock(doc, 'b', { type: 'text' }).content.insert(0, 'x'),
}

it('[H4] repeats that come in one turn are made once and answered alike', async () => {
  await using scene = startWrites()
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => scene.writes.write(append)))
  expect(new Set(outcomes.map((outcome) => JSON.stringify([...outcome.blocks]))).size).toBe(1)
  expect(await scene.workspaces.read(W, ({ doc, head }) => [getBlock(doc, 'b')?.text, head])).toEqual(['x', 1])
})

it('[H4] a key that somebody else has used, whatever its way into the log, is not made again', async () => {
  await using scene = startWrites()
  await scene.workspaces.write(W, { writer: author, via: 'test', idempotencyKey: 'theirs', run: append.run })
  await expect(scene.writes.write({ ...append, key: 'theirs' })).rejects.toMatchObject({ code: 'key_reused' })
  await expect(scene.writes.write({ ...append, key: 'theirs' })).rejects.toMatchObject({ code: 'key_reused' })
  expect(await scene.workspaces.read(W, ({ doc }) => getBlock(doc, 'b')?.text)).toBe('x')
})

it('[H4] an answer that is no longer kept is made again from the log, as it was then', async () => {
  await using scene = startWrites({ answersMax: 1 })
  const first = await scene.writes.write({ ...append, key: 'first' })
  const idle = await scene.writes.write({ ...append, key: 'idle', run: () => undefined })
  expect(idle).toMatchObject({ lsn: 2, record: undefined })
  await scene.writes.write({ ...append, key: 'last' })
  expect(await scene.writes.write({ ...append, key: 'first' })).toEqual(first)
  expect(await scene.writes.write({ ...append, key: 'idle' })).toEqual(idle)
  expect(await scene.workspaces.read(W, ({ doc, head }) => [getBlock(doc, 'b')?.text, head])).toEqual(['xx', 3])
})
