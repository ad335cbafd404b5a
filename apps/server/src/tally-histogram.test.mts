import { Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { tallyHistogram } from './tally-histogram.mts'

it("[A43] a tallied histogram is printed as prom-client's own is", async () => {
  const options = { name: 'joinery_some_seconds', help: 'Some', buckets: [0.001, 0.5, 2] }
  const [ours, theirs] = [new Registry(), new Registry()]
  const tally = tallyHistogram(ours, options)
  const histogram = new Histogram({ ...options, registers: [theirs] })
  expect(await ours.metrics()).toBe(await theirs.metrics())
  for (const value of [0, 0.001, 0.0011, 0.5, 1.75, 2, 2.5, 90]) {
    tally(value)
    histogram.observe(value)
  }
  expect(await ours.metrics()).toBe(await theirs.metrics())
})
