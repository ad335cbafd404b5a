import type { IndexingEntry, Machine, MachineClaim } from '@joinery/blocks'
import type { ProgressSteps } from '@joinery/client'
import { resourceTone } from '../resource-words.ts'

/** One piece of work that goes on in a block. */
export interface RunningWork {
  readonly key: string
  /** The one who does it, and whether that is a person. */
  readonly actor: string
  readonly isPerson: boolean
  /** The work in words: an index or a resource, and its step. */
  readonly what: string
  /** Between 0 and 1; undefined if nobody says how far it is. */
  readonly share: number | undefined
  /** How far it is, in words; empty if nobody says. */
  readonly amount: string
  /** The cause for which it waits; undefined while it goes on. */
  readonly why: string | undefined
}

/** The index of `entry` as work; undefined unless it is being built. A job that is connected says its step itself. */
export function indexWork(block: string, entry: IndexingEntry, steps: ProgressSteps): RunningWork | undefined {
  if (entry.status !== 'processing') return undefined
  const { index_name, actor, source, run } = entry
  const step = steps[`${block}/${index_name}`]
  const live = step?.run === run.id ? step : undefined
  const done = live?.done ?? entry.progress
  const total = live === undefined ? entry.total : live.total
  const note = live?.note === undefined ? '' : `, ${live.note}`
  const isStarted = live !== undefined || source !== 'user_action'
  return {
    key: `index/${index_name}`,
    actor,
    isPerson: source === 'user_action',
    what: `Index ${index_name}${note}`,
    ...amountOf(done, total),
    // A person has asked for the index: nobody builds it yet.
    why: isStarted ? undefined : 'waits for a worker',
  }
}

/** The status of a resource as work; undefined unless it goes on or is stuck. `machine` is its table. */
export function resourceWork(entry: MachineClaim, machine: Machine | undefined): RunningWork | undefined {
  const { name, status, actor, source, stalled, progress, total, detail } = entry
  const isOver = machine?.table.results.includes(status) === true
  const isRunning = resourceTone(entry, machine) === 'processing'
  if (!isRunning && (stalled === undefined || isOver)) return undefined
  const { saga, step } = detail ?? {}
  const words = typeof step === 'string' ? step : status.replaceAll('_', ' ')
  return {
    key: `${entry.machine}/${name}`,
    actor: typeof saga === 'string' ? saga : actor,
    isPerson: source === 'user_action',
    what: typeof saga === 'string' ? words : `${name}: ${words}`,
    ...amountOf(progress, total),
    why: stalled?.why,
  }
}

function amountOf(done: number | undefined, total: number | undefined): Pick<RunningWork, 'share' | 'amount'> {
  if (done === undefined) return { share: undefined, amount: '' }
  if (total !== undefined && total > 0) return { share: Math.min(1, done / total), amount: `${done} of ${total}` }
  return done <= 1 ? { share: done, amount: `${Math.round(done * 100)} %` } : { share: undefined, amount: String(done) }
}
