import { createBlock, documentRules, getBlock } from '@joinery/blocks'
import { createServer } from '@joinery/server'
import { expect, it } from 'vitest'
import { API_LIMITS } from './api-limits.ts'
import { Journals } from './journals.ts'
import { ReplayTurns } from './replay-turns.ts'
import { ReplayedHistory } from './replayed-history.ts'
import type { WorkspaceId } from './workspace-name.ts'
import { type WriteRequest, Writes } from './writes.ts'

const W = 'w' as WorkspaceId
const author = { actor: 'ada', source: 'user_action' } as const

function startWrites() {
  const server = createServer({ rules: documentRules })
  const { workspaces } = server
  const journals = new Journals(workspaces, { keysMax: 10, idleMs: 60_000 })
  const history = new ReplayedHistory({ workspaces, turns: new ReplayTurns(1, 10), pageRecordsMax: 10 })
  return {
    workspaces,
    journals,
    writes: new Writes({ workspaces, journals, history, limits: API_LIMITS }),
    async [Symbol.asyncDispose]() {
      await journals.close()
      await server.close()
    },
  }
}

const append: WriteRequest = {
  workspace: W,
  author,
  blocks: ['b'],
  key: 'once',
  fingerprint: 'append',
  check: () => undefined,
  run: (doc) => createBlock(doc, 'b', { type: 'text' }).content.insert(0, 'x'),
}

it('[H4] repeats that come in one turn are made once and answered alike', async () => {
  await using scene = startWrites()
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => scene.writes.write(append)))
  expect(new Set(outcomes.map((outcome) => JSON.stringify([...outcome.blocks]))).size).toBe(1)
  expect(await scene.workspaces.read(W, ({ doc, head }) => [getBlock(doc, 'b')?.text, head])).toEqual(['x', 1])
})

it('[H4] a journal that has lost its room is replaced, and keys it never heard of still count', async () => {
  await using scene = startWrites()
  const deaf = await scene.journals.use(W)
  await deaf.loadKeys()
  deaf.close()
  const { key: _key, ...keyless } = append
  await scene.workspaces.write(W, { writer: author, via: 'test', idempotencyKey: 'unheard', run: append.run })
  await scene.writes.write({ ...keyless, key: undefined })
  expect(await scene.journals.use(W)).not.toBe(deaf)
  await expect(scene.writes.write({ ...append, key: 'unheard' })).rejects.toMatchObject({ code: 'key_reused' })
  expect(await scene.workspaces.read(W, ({ doc }) => getBlock(doc, 'b')?.text)).toBe('xx')
})

it('[H4] a key counts for good, beyond what the journal remembers of it', async () => {
  await using scene = startWrites()
  for (let n = 0; n < 12; n++) await scene.writes.write({ ...append, key: `k${n}` })
  await scene.writes.write({ ...append, key: 'k11' })
  expect(await scene.workspaces.read(W, ({ head }) => head)).toBe(12)
  await scene.writes.write({ ...append, key: 'k0' })
  expect(await scene.workspaces.read(W, ({ head }) => head)).toBe(12)
})
