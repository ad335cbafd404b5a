import type { Json, LeasedWork, StepDone, TaskSubject } from '@joinery/protocol'
import { createCalls } from './calls.ts'
import type { Resources, RunContext, StepContext, UndoContext } from './contexts.ts'
import { Draft } from './draft.ts'
import { parseInput } from './input-schema.ts'
import { WORKER_LIMITS as LIMITS } from './limits.ts'
import { plainJson } from './plain-json.ts'
import type { TellProgress } from './progress.ts'
import type { Saga } from './saga.ts'
import { stepOf } from './served-sagas.ts'
import type { ServerLink } from './server-link.ts'
import type { Step } from './step.ts'
import { createWithRun } from './with-run.ts'
import { WorkerError } from './worker-error.ts'

/** Everything that a call of a step needs from its worker. */
export interface StepHost {
  readonly link: ServerLink
  readonly resources: Resources
  readonly signal: AbortSignal
  readonly beat: TellProgress
}

/** Calls the code of a saga for one attempt. Resolves with what the server is told; rejects as the code does. */
export async function callStep(saga: Saga, lease: LeasedWork, host: StepHost): Promise<StepDone> {
  const { definition } = saga
  const step = lease.step === undefined ? undefined : stepOf(saga, lease.step)
  const input: unknown = definition.input === undefined ? lease.input : await parseInput(definition.input, lease.input)
  if (step === undefined) return planTask(saga, input)
  if (lease.kind === 'plan') return planItems(step, { input, results: lease.results })
  return lease.kind === 'run' ? await run(step, input, lease, host) : await undo(step, input, lease, host)
}

async function planTask({ name, definition }: Saga, input: unknown): Promise<StepDone> {
  if (definition.subject === undefined) return {}
  const subject: unknown = await definition.subject(input)
  const rule = { what: `the subject of ${name}`, code: 'bad_result' } as const
  const { block, name: status } = plainJson(subject, rule) as Partial<Record<string, Json>>
  if (typeof block !== 'string' || typeof status !== 'string') {
    throw new WorkerError('bad_result', `${rule.what} must be { block, name }, both texts`)
  }
  return { subject: { block, name: status } satisfies TaskSubject }
}

async function planItems(
  { name, options }: Step,
  given: { readonly input: unknown; readonly results: Readonly<Record<string, unknown>> },
): Promise<StepDone> {
  const { items: itemsOf, keyOf = keyOfItem } = options
  if (itemsOf === undefined) throw new WorkerError('unknown_step', `the step "${name}" is not made by each(…) here`)
  const list: unknown = await itemsOf(given)
  if (!Array.isArray(list)) throw new WorkerError('bad_items', `items of "${name}" must be a list, not ${typeof list}`)
  if (list.length > LIMITS.itemsMax) {
    throw new WorkerError('bad_items', `"${name}" has ${list.length} items, at most ${LIMITS.itemsMax} are possible`)
  }
  const keys = new Map<string, number>()
  const items = list.map((item: unknown, index) => {
    const key: unknown = keyOf(item, index)
    const what = `item ${index} of "${name}"`
    if (typeof key !== 'string' || key === '' || key.length > LIMITS.itemKeyLengthMax) {
      throw new WorkerError(
        'bad_items',
        `${what}: its key must be a text of 1 to ${LIMITS.itemKeyLengthMax} characters`,
      )
    }
    const other = keys.get(key)
    if (other !== undefined) {
      throw new WorkerError('bad_items', `items ${other} and ${index} of "${name}" have one key, "${key}": give keyOf`)
    }
    keys.set(key, index)
    return { key, value: plainJson(item, { what, code: 'bad_items' }) }
  })
  plainJson(items, { what: `the items of "${name}"`, code: 'bad_items', bytesMax: LIMITS.itemsBytesMax })
  return { items }
}

/** The key of an item that names none: the text itself, an id or key that is a text, or else the position. */
function keyOfItem(item: unknown, index: number): string {
  if (typeof item === 'string' && item !== '') return item
  const { id, key } = (typeof item === 'object' && item !== null ? item : {}) as { id?: unknown; key?: unknown }
  return [id, key].find((each): each is string => typeof each === 'string' && each !== '') ?? String(index)
}

async function run(step: Step, input: unknown, lease: LeasedWork, host: StepHost): Promise<StepDone> {
  const edits = new Edits()
  const runId = `${lease.key}-${lease.attempt}`
  const context: RunContext<unknown, unknown> = {
    ...contextOf(step, input, lease, host, edits),
    item: lease.item?.value,
    runId,
    withRun: createWithRun({ link: host.link, lease, signal: host.signal, runId, beat: host.beat }),
  }
  const { run: code } = step.options
  if (code === undefined) throw new WorkerError('unknown_step', `the step "${step.name}" has nothing to run here`)
  const answered = edits.resultFor(await code(context))
  const what = `the result of "${step.name}"`
  const result = plainJson(answered, { what, code: 'bad_result', bytesMax: LIMITS.resultBytesMax })
  return { result, ...edits.end() }
}

async function undo(step: Step, input: unknown, lease: LeasedWork, host: StepHost): Promise<StepDone> {
  const edits = new Edits()
  const removed = new Set<string>()
  const context: UndoContext<unknown, unknown> = {
    ...contextOf(step, input, lease, host, edits),
    item: lease.item?.value,
    result: lease.result,
    runKey: lease.runKey,
    removeIfUntouched: (blocks = []) => {
      for (const block of typeof blocks === 'string' ? [blocks] : blocks) {
        if (typeof block !== 'string')
          throw new WorkerError('bad_operation', 'removeIfUntouched takes ids of blocks, which are texts')
        removed.add(block)
      }
    },
  }
  const { compensate } = step.options
  if (compensate === undefined) {
    throw new WorkerError('unknown_step', `the step "${step.name}" can't be taken back here: it has no compensate`)
  }
  await compensate(context)
  return { ...edits.end(), ...(removed.size > 0 && { removeIfUntouched: [...removed] }) }
}

function contextOf(
  { name }: Step,
  input: unknown,
  lease: LeasedWork,
  { signal, beat, resources }: StepHost,
  edits: Edits,
): StepContext<unknown> {
  const { key, attempt, results, details, workspace, task, startedAt, deadlineMs, traceparent } = lease
  return {
    input,
    results,
    key,
    attempt,
    details,
    signal,
    beat,
    edit: (edit) => edits.make(edit),
    http: createCalls({ key, signal, traceparent }),
    resources,
    workspace,
    task,
    step: name,
    startedAt,
    deadlineMs,
    traceparent,
  }
}

/** The edits of one attempt: operations that are sent with its end. */
class Edits {
  readonly #draft = new Draft()
  #result: unknown
  #isMade = false
  #isOver = false

  make<T>(edit: (draft: Draft) => T): T {
    if (this.#isOver)
      throw new WorkerError('bad_operation', 'edit was called after the step had ended: await all of its work')
    const result = edit(this.#draft)
    if (result instanceof Promise) {
      throw new WorkerError('bad_operation', 'the callback of edit must not be async: read and compute before it')
    }
    this.#isMade = true
    this.#result = result
    return result
  }

  /** The result of a step: its own value, else that of its last edit. An edit without a value is a result of null. */
  resultFor(value: unknown): unknown {
    return value === undefined && this.#isMade ? (this.#result ?? null) : value
  }

  /** The operations, after which none can be added. */
  end(): Pick<StepDone, 'operations'> {
    this.#isOver = true
    const { operations } = this.#draft
    return operations.length > 0 ? { operations } : {}
  }
}
