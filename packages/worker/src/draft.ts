import type { Json } from '@joinery/protocol'
import { plainJson } from './plain-json.ts'
import { WorkerError } from './worker-error.ts'

type Rest = Readonly<Record<string, unknown>>

/**
 * Operations of one transaction, in their order. Each method takes the id and the rest of the operation, as
 * `POST …/transactions` has it, and returns the id. The server makes all of them when the step ends, or none.
 */
export class Draft {
  readonly #operations: Json[] = []

  get operations(): readonly Json[] {
    return this.#operations
  }

  /** Creates the block, or makes it as given: `{ type, content?, delta?, fields?, data?, onlyIfAbsent?, expectedVersion? }`. */
  put(block: string, rest: Rest = {}): string {
    return this.#add('put', { block }, rest)
  }

  /** Changes the parts that are given. A null removes one. */
  patch(block: string, rest: Rest): string {
    return this.#add('patch', { block }, rest)
  }

  delete(block: string, rest: Rest = {}): string {
    return this.#add('delete', { block }, rest)
  }

  /** `{ index, runId?, status?, collectionConfigs? }`; the index may stand before them. */
  startRun(block: string, index: string | Rest, rest: Rest = {}): string {
    return this.#add('startRun', { block, ...named('index', index) }, rest)
  }

  /** `{ index, run, status, chunks?, error?, progress?, total?, started? }`; index and run may stand before them. */
  report(block: string, index: string | Rest, run: string | Rest = {}, rest: Rest = {}): string {
    return this.#add('report', { block, ...named('index', index), ...named('run', run) }, rest)
  }

  removeIndex(block: string, index: string | Rest): string {
    return this.#add('removeIndex', { block, ...named('index', index) }, {})
  }

  /** `{ machine, name, runId?, status?, … }`. */
  startStatus(block: string, rest: Rest): string {
    return this.#add('startStatus', { block }, rest)
  }

  /** `{ machine, name, run, status, … }`. */
  reportStatus(block: string, rest: Rest): string {
    return this.#add('reportStatus', { block }, rest)
  }

  /** `{ machine, name }`. */
  removeStatus(block: string, rest: Rest): string {
    return this.#add('removeStatus', { block }, rest)
  }

  /** `{ source, target, data? }`. */
  putEdge(edge: string, rest: Rest): string {
    return this.#add('putEdge', { edge }, rest)
  }

  deleteEdge(edge: string, rest: Rest = {}): string {
    return this.#add('deleteEdge', { edge }, rest)
  }

  #add(op: string, ids: Rest, rest: Rest): string {
    const id = ids.block ?? ids.edge
    if (typeof id !== 'string' || id === '') {
      throw new WorkerError('bad_operation', `d.${op}: the id must be a text that is not empty, not ${typeof id}`)
    }
    const rule = { what: `the operation ${op} of "${id}"`, code: 'bad_operation' } as const
    this.#operations.push(plainJson({ op, ...rest, ...ids }, rule))
    return id
  }
}

function named(key: string, given: string | Rest): Rest {
  return typeof given === 'string' ? { [key]: given } : given
}
