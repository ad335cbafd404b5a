import { describe, expect, it } from 'vitest'
import { MemoryRelief, makeCollector } from './memory-relief.mts'

function relief() {
  const seen = { changes: 100, releases: 0 }
  const subject = new MemoryRelief(
    () => seen.changes,
    () => void seen.releases++,
  )
  const lookAfter = (changes: number): number => {
    seen.changes += changes
    subject.look()
    return seen.releases
  }
  return lookAfter
}

describe('MemoryRelief', () => {
  it('[A46] releases memory once, when a rush of thousands is over', () => {
    const releasesAfter = relief()
    expect([1_500, 3, 0, 1_500].map(releasesAfter)).toEqual([0, 0, 0, 0])
    expect([3, 0, 0, 0, 0].map(releasesAfter)).toEqual([0, 0, 1, 1, 1])
    expect([4_000, 0, 0, 0, 0].map(releasesAfter)).toEqual([1, 1, 1, 2, 2])
  })

  it('[A46] leaves V8 alone while few come and go, and after many did so one by one looks once', () => {
    const releasesAfter = relief()
    for (let look = 0; look < 99; look++) expect(releasesAfter(20)).toBe(0)
    expect(releasesAfter(20)).toBe(1)
    expect(releasesAfter(20)).toBe(1)
  })

  it('[A46] the collector really collects', async () => {
    const registry = new FinalizationRegistry<() => void>((gone) => gone())
    const gone = Promise.withResolvers<void>()
    registry.register({}, gone.resolve)
    makeCollector()()
    await gone.promise
  })
})
