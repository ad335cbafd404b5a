import { expect, it } from 'vitest'
import { type FrameSource, UnfinishedFrames } from './unfinished-frames.ts'

it('[S134] frames count that are smaller than what a socket delivers at once: thousands of connections hold no more than a few', () => {
  const bounds = { unfinishedBytesPerPrincipalMax: 1024 * 1024, unfinishedBytesMax: 4 * 1024 * 1024 }
  const frames = new UnfinishedFrames(bounds)
  const held = new Map<FrameSource, number>()
  for (let connection = 0; connection < 1_000; connection++) {
    const source: FrameSource = {
      unfinishedBytes: 60_000,
      principal: `mallory ${connection % 2}`,
      endUnfinished: () => void held.delete(source),
    }
    held.set(source, source.unfinishedBytes)
    frames.note(source)
  }
  const bytes = [...held.values()].reduce((sum, more) => sum + more, 0)
  expect(bytes).toBe(frames.bytes)
  expect(bytes).toBeLessThanOrEqual(2 * bounds.unfinishedBytesPerPrincipalMax)
  expect(held.size).toBeGreaterThan(20)
})
