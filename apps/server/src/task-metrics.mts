import { type Labeled, SECONDS_BOUNDS, type Seconds, type TaskEngine, type TaskGauges } from '@joinery/tasks'
import { Counter, Gauge, type Metric, type Registry } from 'prom-client'

/** The part of the tasks that metrics read. */
export type CountedTasks = Pick<TaskEngine, 'counts' | 'gauges'>

/** Adds the metrics of tasks to `registry`. Labels name sagas, steps and hosts, which workers and configuration name; never a workspace. */
export function watchTasks(registry: Registry, tasks: CountedTasks): void {
  const registers = [registry]
  let seen: TaskGauges | undefined
  /** All gauges of one answer are of one look, which takes some microseconds for each task. */
  const gauges = (): TaskGauges => {
    if (seen === undefined) {
      seen = tasks.gauges
      setImmediate(() => {
        seen = undefined
      })
    }
    return seen
  }
  const counter = (name: string, help: string, labelNames: readonly string[], read: () => readonly Labeled[]): void => {
    const metric = new Counter({
      name: `joinery_${name}_total`,
      help,
      labelNames,
      registers,
      collect() {
        metric.reset()
        for (const { labels, value } of read()) metric.inc(labels, value)
      },
    })
  }
  const gauge = (name: string, help: string, labelNames: readonly string[], read: () => readonly Labeled[]): void => {
    const metric = new Gauge({
      name: `joinery_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        metric.reset()
        for (const { labels, value } of read()) metric.set(labels, value)
      },
    })
  }
  const one = (value: number): Labeled[] => [{ labels: {}, value }]
  gauge('tasks', 'Tasks that are open, or ended and kept', ['definition', 'state'], () => gauges().tasks)
  gauge('tasks_waiting', 'Tasks that wait, by what they wait for', ['why'], () => gauges().waiting)
  gauge('oldest_waiting_seconds', 'Time for which the oldest of them has waited', ['why'], () =>
    gauges().waiting.map(({ labels, oldestSeconds }) => ({ labels, value: oldestSeconds })),
  )
  gauge('step_leases', 'Steps that workers run now', [], () => one(gauges().leases))
  gauge('timers', 'Timers of tasks that are set', [], () => one(gauges().timers))
  gauge('task_journals_damaged', 'Journals of tasks that can’t be read: their tasks wait for a repair', [], () =>
    one(gauges().damagedJournals),
  )
  gauge('timer_lag_seconds', 'Time by which the latest of those timers is late', [], () =>
    one(gauges().timerLagSeconds),
  )
  gauge(
    'breaker_state',
    'Hosts of steps: 0 used, 1 tried again, 2 left alone after failures',
    ['host'],
    () => gauges().breakers,
  )
  counter('tasks_started', 'Tasks that were started', ['definition'], () => tasks.counts.started)
  counter('tasks_ended', 'Tasks that ended', ['definition', 'state'], () => tasks.counts.ended)
  counter('steps', 'Attempts of steps that ended', ['definition', 'step', 'outcome'], () => tasks.counts.steps)
  counter(
    'step_retries',
    'Attempts that are made again, by the class of the failure',
    ['class'],
    () => tasks.counts.retries,
  )
  counter('step_leases_lost', 'Steps whose worker was lost', ['why'], () => tasks.counts.leasesLost)
  counter('fenced_writes', 'Messages of workers whose lease did not stand', [], () => one(tasks.counts.fencedWrites))
  counter('compensations', 'Steps that were taken back, or could not be', ['outcome'], () => tasks.counts.compensations)
  counter('undo_kept', 'Blocks that were not taken back, since somebody else had changed them', [], () =>
    one(tasks.counts.undoKept),
  )
  histogram(registry, 'task_seconds', 'Time from the start of a task to its end', () => tasks.counts.taskSeconds)
  histogram(registry, 'step_seconds', 'Time from a lease of a step to its answer', () => tasks.counts.stepSeconds)
}

function histogram(registry: Registry, suffix: string, help: string, read: () => Seconds): void {
  const name = `joinery_${suffix}`
  const lines = () => {
    const { counts, sum, count } = read()
    let total = 0
    const upTo = SECONDS_BOUNDS.map((bound, n) => {
      total += counts[n] ?? 0
      return { labels: { le: bound as number | string }, value: total, metricName: `${name}_bucket` }
    })
    return [
      ...upTo,
      { labels: { le: '+Inf' }, value: count, metricName: `${name}_bucket` },
      { labels: {}, value: sum, metricName: `${name}_sum` },
      { labels: {}, value: count, metricName: `${name}_count` },
    ]
  }
  const metric = {
    name,
    help,
    get: () => Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: lines() }),
  }
  // The types allow prom-client's own classes alone. The registry reads no more than these three members.
  registry.registerMetric(metric as unknown as Metric)
}
