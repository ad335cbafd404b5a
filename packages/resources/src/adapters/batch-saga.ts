import { defineSaga, each, type Saga, type StepOptions, step } from '@joinery/worker'
import { z } from 'zod'
import type { Observed } from './adapter.ts'
import {
  type AdapterSagasOptions,
  ATTEMPTS,
  CALL_MS,
  isSettledFor,
  lookOnce,
  type Subject,
  syncContextOf,
  syncOnce,
  undoSync,
} from './adapter-calls.ts'
import { reporter, stallReporter } from './adapter-reports.ts'
import { json, LOOKS, POLL_MS } from './run-saga.ts'

/** Resources of one batch: their runs start in one write, and the results of all of them go to each worker. */
const ITEMS_MAX = 1_000
/** Items that are under way at once. The host's own bound holds over all batches together. */
const CONCURRENCY = 8
/** Longest details of a resource that are kept until its end is told. */
const DETAIL_CHARS_MAX = 256

const batchInput = z.object({
  items: z
    .array(z.object({ block: z.string(), name: z.string(), detail: json.default({}) }))
    .min(1)
    .max(ITEMS_MAX)
    .refine((items) => new Set(items.map(keyOf)).size === items.length, 'two items are of one resource'),
})
type BatchInput = z.infer<typeof batchInput>

/** One resource of a batch, with the run that was started for it. */
interface BatchItem extends Subject {
  readonly run: { readonly id: string }
}

/** The part of a state that later steps need: every one of them is sent the states of all items. */
type Brief = Pick<Observed, 'status' | 'externalId' | 'detail'> & { readonly isSettled: boolean }

/**
 * The saga of many resources of a machine: it starts a run of each in one write, has the service do them, a few at a time, and looks until the
 * service has ended all. One that fails stops no other.
 */
export function batchSaga(options: AdapterSagasOptions): Saga {
  const { adapter, machine } = options
  const { poll } = adapter
  const isSettled = isSettledFor(machine)
  const report = reporter(machine)
  const reportStall = stallReporter(machine, adapter)
  const briefOf = (observed: Observed): Brief => {
    const { status, externalId, detail } = observed
    const isOpen = !isSettled(observed)
    const isShort = detail !== undefined && JSON.stringify(detail).length <= DETAIL_CHARS_MAX
    const kept = isOpen && isShort ? { detail } : {}
    return { status, ...(externalId !== undefined && { externalId }), ...kept, isSettled: !isOpen }
  }
  const begin: StepOptions<BatchInput> = {
    run: ({ input, task, edit }) => {
      edit((draft) => {
        for (const [n, { block, name, detail }] of input.items.entries()) {
          draft.startStatus(block, { machine: machine.name, name, runId: runIdOf(task, n), detail })
        }
      })
      return task
    },
  }
  const itemsOf = ({
    input,
    results,
  }: {
    input: BatchInput
    results: Readonly<Record<string, unknown>>
  }): BatchItem[] => input.items.map((item, n) => ({ ...item, run: { id: runIdOf(String(results.begin), n) } }))
  const sync = each<BatchInput, BatchItem>('sync', {
    items: itemsOf,
    keyOf,
    concurrency: CONCURRENCY,
    host: adapter.host,
    timeoutMs: CALL_MS,
    retry: { attempts: ATTEMPTS },
    // Nobody knows what has happened at the service: a person has to look.
    onFailure: 'wait',
    run: async (context) => {
      const observed = await syncOnce(options, syncContextOf(adapter, context.item, context))
      context.edit((draft) => report(draft, context.item, observed, context.task))
      return briefOf(observed)
    },
    ...(adapter.undo && { compensate: (context) => undoSync(options, context.item, context) }),
  })
  /** The items that the service has not ended, with what is known of them. */
  const openOf = (given: Parameters<typeof itemsOf>[0]): (BatchItem & { readonly before: Brief })[] => {
    const briefs = given.results.sync as (Brief | null)[]
    return itemsOf(given).flatMap((item, n) => {
      const before = briefs[n]
      return before == null || before.isSettled ? [] : [{ ...item, before }]
    })
  }
  const canLook = adapter.query !== undefined && poll !== undefined
  const watch = each<BatchInput, BatchItem & { readonly before: Brief }>('watch', {
    items: (given) => (canLook ? openOf(given) : []),
    keyOf,
    concurrency: CONCURRENCY,
    host: adapter.host,
    follows: adapter.machine,
    timeoutMs: CALL_MS,
    retry: { attempts: LOOKS, firstMs: poll?.firstMs ?? 1_000, maxMs: poll?.maxMs ?? 60_000 },
    giveUpAfterMs: poll?.giveUpAfterMs ?? poll?.timeoutMs ?? POLL_MS,
    onFailure: 'continue',
    run: async (context) => {
      const { externalId } = context.item.before
      const observed = await lookOnce(options, { ...syncContextOf(adapter, context.item, context), externalId })
      context.edit((draft) => report(draft, context.item, observed, context.task))
      return true
    },
  })
  const end: StepOptions<BatchInput> = {
    // Nothing at the service is taken back because its state could not be shown.
    onFailure: 'continue',
    run: (context) => {
      if (!canLook) return null
      const found = context.results.watch as (true | null)[]
      const missing = openOf(context).filter((_, n) => found[n] !== true)
      const [failed] = poll?.giveUpAfterMs === undefined ? [] : machine.table.failures
      context.edit((draft) => {
        for (const { before, ...item } of missing) {
          if (failed === undefined) reportStall(draft, item, before, context.task)
          else {
            const error = `${adapter.host} has not ended it within ${poll?.giveUpAfterMs} ms`
            report(draft, item, { ...before, status: failed, error }, context.task)
          }
        }
      })
      return null
    },
  }
  const steps = [step('begin', begin), sync, watch, step('end', end)]
  return defineSaga({ name: `${adapter.machine}.batch`, version: 1, input: batchInput, steps })
}

function keyOf({ block, name }: { readonly block: string; readonly name: string }): string {
  return JSON.stringify([block, name])
}

/** Id of the run of an item: the same in every attempt. */
function runIdOf(task: string, n: number): string {
  return `${task}-${n}`
}
