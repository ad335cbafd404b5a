import type { LeasedWork, SagaShape } from '@joinery/protocol'
import { isSaga, type Saga } from './saga.ts'
import type { Step } from './step.ts'
import { WorkerError } from './worker-error.ts'

/** The sagas of one worker: several versions of one name may be served at once. */
export class ServedSagas {
  readonly #sagas: readonly Saga[]

  /** Throws `bad_options` unless it is a list of what `defineSaga` gives, each name and version once. */
  constructor(sagas: unknown) {
    if (!Array.isArray(sagas) || sagas.length === 0) {
      throw new WorkerError('bad_options', 'a worker needs a list of at least one saga, made by defineSaga(…)')
    }
    const taken = new Map<string, string>()
    for (const [index, saga] of sagas.entries()) {
      if (!isSaga(saga))
        throw new WorkerError('bad_options', `entry ${index} of the sagas was not made by defineSaga(…)`)
      for (const version of [saga.version, ...(saga.shape.accepts ?? [])]) {
        const by = `${saga.name}@${saga.version}`
        const other = taken.get(`${saga.name}@${version}`)
        if (other !== undefined) {
          throw new WorkerError(
            'bad_options',
            `${other} and ${by} both serve ${saga.name}@${version}: leave it out of one`,
          )
        }
        taken.set(`${saga.name}@${version}`, by)
      }
    }
    this.#sagas = sagas
  }

  get shapes(): readonly SagaShape[] {
    return this.#sagas.map(({ shape }) => shape)
  }

  /** The names with their versions, for people. */
  get names(): readonly string[] {
    return this.#sagas.map(({ name, version }) => `${name}@${version}`)
  }

  /** The saga of an attempt: of the same version, or one that accepts it. Throws `unknown_step`. */
  sagaOf({ saga, version }: LeasedWork): Saga {
    const of = this.#sagas.filter(({ name }) => name === saga)
    const found =
      of.find((each) => each.version === version) ?? of.find((each) => each.shape.accepts?.includes(version))
    if (found === undefined) {
      throw new WorkerError(
        'unknown_step',
        `this worker does not serve ${saga}@${version}: it serves ${this.names.join(', ')}`,
      )
    }
    return found
  }
}

/** The step of an attempt. Throws `unknown_step`. */
export function stepOf({ definition, name, version }: Saga, step: string): Step {
  const found = definition.steps.find((each: Step) => each.name === step)
  if (found !== undefined) return found
  throw new WorkerError(
    'unknown_step',
    `${name}@${version} has no step "${step}": to rename a step, raise the version and serve the old one, too`,
  )
}
