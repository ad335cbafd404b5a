import type { Machine } from '@joinery/blocks'
import type { Observed, ResourceAdapter } from './adapter.ts'

export const ERROR_LENGTH_MAX = 1_000

export interface Drafting {
  reportStatus(block: string, rest: Readonly<Record<string, unknown>>): string
}

export interface Reported {
  readonly block: string
  readonly name: string
  /** The run that the report is about: whichever stands, if undefined. */
  readonly run?: { readonly id: string; readonly no?: number; readonly source?: string } | undefined
}

/** Says how a resource is, in the write that ends a step. */
export type Report = (draft: Drafting, input: Reported, observed: Observed, task?: string, more?: object) => void

export function reporter(machine: Machine): Report {
  return (draft, input, observed, task, more = {}) => {
    const { block, name, run } = input
    const { status, externalId, progress, total, error, detail } = observed
    const isFailure = machine.table.failures.includes(status)
    draft.reportStatus(block, {
      ...{ machine: machine.name, name, run: run?.id ?? 'standing', status },
      ...(run?.no !== undefined && { started: { no: run.no, source: run.source } }),
      ...(task !== undefined && { task }),
      ...(progress !== undefined && { progress }),
      ...(total !== undefined && { total }),
      ...(error !== undefined && isFailure && { error: error.slice(0, ERROR_LENGTH_MAX).toWellFormed() }),
      detail: { ...detail, ...(externalId !== undefined && { id: externalId }) },
      ...more,
    })
  }
}

/**
 * Says that a resource has not ended in the time of its poll: by the flag `stalled`, where the machine has it for the status, and else by
 * the word `overdue` in the details, which says who sees to it now.
 */
export function stallReporter(machine: Machine, adapter: ResourceAdapter): Report {
  const report = reporter(machine)
  const why = `${adapter.host} has not ended it in time`
  return (draft, input, observed, task) => {
    if (machine.table.stalls.includes(observed.status)) {
      return report(draft, input, observed, task, { stalled: { since: Date.now(), why } })
    }
    const detail = {
      ...observed.detail,
      overdue: `${why}, and nobody looks at it any more: ${adapter.lookAgain ?? LOOK_AGAIN}`,
    }
    report(draft, input, { ...observed, detail }, task)
  }
}

const LOOK_AGAIN = 'look at it at the service'
