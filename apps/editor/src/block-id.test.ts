import { isBlockId } from '@joinery/blocks'
import { expect, test } from 'vitest'
import { freshBlockId } from './block-id.ts'

test('a new block has an id of its own that sorts behind those made before', () => {
  const times = [0, 999_999_999, 1_790_000_000_000, 1_790_000_000_001, 99_000_000_000_000]
  const ids = times.map((at) => freshBlockId(at))
  expect([...ids].sort()).toEqual(ids)
  expect(ids.every((id) => isBlockId(id))).toBe(true)
  expect(freshBlockId(1)).not.toBe(freshBlockId(1))
})
