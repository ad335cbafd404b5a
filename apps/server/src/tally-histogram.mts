import type { Metric, Registry } from 'prom-client'

/** Name and help text of a histogram, and the upper bounds of its buckets in ascending order. */
interface HistogramOptions {
  readonly name: string
  readonly help: string
  readonly buckets: readonly number[]
}

/**
 * Adds a histogram without labels to `registry`. Returns the function that takes a value. The function only counts; the
 * lines are made when `/metrics` is read. prom-client's own histogram copies, checks and hashes labels for each value: with
 * four values for each batch of the log, this took a fortieth of the CPU of typing.
 */
export function tallyHistogram(registry: Registry, { name, help, buckets }: HistogramOptions): (value: number) => void {
  /** Values up to each bound and above the one before; the last are those above all bounds. */
  const counts: number[] = new Array(buckets.length + 1).fill(0)
  let sum = 0
  const lines = () => {
    let count = 0
    const upTo = [...buckets, '+Inf'].map((bound, bucket) => {
      count += counts[bucket] ?? 0
      return { labels: { le: bound }, value: count, metricName: `${name}_bucket` }
    })
    const total = { labels: {}, value: count, metricName: `${name}_count` }
    return [...upTo, { labels: {}, value: sum, metricName: `${name}_sum` }, total]
  }
  const metric = {
    name,
    help,
    get: () => Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: lines() }),
  }
  // The types allow prom-client's own classes alone. The registry reads no more than these three members.
  registry.registerMetric(metric as unknown as Metric)
  return (value) => {
    let bucket = 0
    while (bucket < buckets.length && value > (buckets[bucket] ?? 0)) bucket++
    counts[bucket] = (counts[bucket] ?? 0) + 1
    sum += value
  }
}
