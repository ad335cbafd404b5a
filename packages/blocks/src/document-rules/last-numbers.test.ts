import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { CLAIM_LIMITS } from '../claim-bounds.ts'
import { type Block, getBlock } from '../index.ts'
import { ADA, blockOf, serverAnd } from '../testing/rules-fixture.ts'
import { UPDATE_LIMITS } from './update-limits.ts'

const AUTHOR = { source: 'user_action', actor: 'ada' } as const
const claims = (block: Block, part: 'fields' | 'indexingList'): Y.Array<unknown> =>
  block.map.get(part) as Y.Array<unknown>

/** A client's block with one field and one index, which the server has. */
function start() {
  const { doc, server, codes } = serverAnd(ADA)
  const block = blockOf(doc)
  block.fields.set('k', 1, AUTHOR)
  block.indexingList.startRun('search', { ...AUTHOR, runId: 'r1' })
  const there = (): Block => getBlock(server, 'b1') as Block
  return { block, codes, there }
}

const fieldAt = (seq: number) => ({ key: 'k', value: 2, seq, ...AUTHOR, at: 1 })
const runAt = (no: number) => ({
  index_name: 'search',
  run: { no, id: `r${no}`, source: 'user_action' },
  status: 'processing',
  ...AUTHOR,
  at: 1,
})

describe('the highest numbers', () => {
  it('[B80] a number may be countJumpMax above the highest known, and no further', () => {
    const { block, codes } = start()
    const { countJumpMax } = UPDATE_LIMITS
    claims(block, 'fields').push([fieldAt(countJumpMax + 1)])
    claims(block, 'fields').push([fieldAt(2 * countJumpMax + 2)])
    expect(codes.slice(-2)).toEqual([undefined, 'bad_claim'])
  })

  it('[B80] a writer that counts on in the greatest steps uses up nothing: runs start and fields are set as before', () => {
    const { block, codes, there } = start()
    const { countJumpMax } = UPDATE_LIMITS
    for (let i = 1; i <= 40; i++) {
      claims(block, 'fields').push([fieldAt(1 + i * countJumpMax)])
      claims(block, 'indexingList').push([runAt(1 + i * countJumpMax)])
    }
    expect(codes.filter((code) => code !== undefined)).toEqual([])
    // The time that the end takes in such steps, at ten thousand updates a second.
    expect(CLAIM_LIMITS.countMax / countJumpMax / 10_000 / 86_400).toBeGreaterThan(100)
    there().fields.set('k', 3, AUTHOR)
    expect(there().fields.get('k')).toBe(3)
    expect(there().indexingList.startRun('search', AUTHOR).no).toBe(2 + 40 * countJumpMax)
  })

  it('[B80] at the very end startRun, set and a change of several fields throw bad_argument and change nothing', () => {
    const { block } = start()
    const { countMax } = CLAIM_LIMITS
    claims(block, 'fields').push([fieldAt(countMax)])
    claims(block, 'indexingList').push([runAt(countMax)])
    const before = Y.encodeStateAsUpdate(block.map.doc as Y.Doc)
    expect(() => block.fields.set('k', 3, AUTHOR)).toThrow(expect.objectContaining({ code: 'bad_argument' }))
    expect(() => block.indexingList.startRun('search', AUTHOR)).toThrow(
      expect.objectContaining({ code: 'bad_argument' }),
    )
    expect(Y.encodeStateAsUpdate(block.map.doc as Y.Doc)).toEqual(before)
  })
})
