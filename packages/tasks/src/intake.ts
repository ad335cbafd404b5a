import { type Codec, jsonCodec } from '@joinery/log'
import type { Json, SagaShape } from '@joinery/protocol'
import { z } from 'zod'
import { by, json, sagaShape, subject } from './record-schemas.ts'
import type { StartRequest } from './tasks.ts'

/** A request for a task that was written with its cause, and waits for its workspace's journal. */
export interface Asked {
  readonly workspace: string
  readonly request: Omit<StartRequest, 'sync'> & { readonly key: string }
}

/** One event of the journal of the whole server. */
export type IntakeEvent =
  /** A worker has announced a version of a saga that nobody had announced, or not in this form. */
  | { readonly type: 'announced'; readonly saga: SagaShape }
  /** The workspace has open tasks: its journal is opened at the start. */
  | { readonly type: 'opened' | 'closed'; readonly workspace: string }
  | ({ readonly type: 'asked' } & Asked)
  /** The workspace is about to be purged: what is kept of it is removed even if the server ends before it can do so. */
  | { readonly type: 'purging'; readonly workspace: string }
  /** The workspace was purged: nothing is kept of it. */
  | { readonly type: 'forgotten'; readonly workspace: string }
  /** The workspace was not purged after all. */
  | { readonly type: 'unpurged'; readonly workspace: string }
  /** A repair has dropped what came before: workspaces with open tasks may be missing. */
  | { readonly type: 'repaired' }
  /** All journals were looked at, and the workspaces with open tasks are known again. */
  | { readonly type: 'surveyed' }
  /** Behind a state from which something was removed, so that the records up to that state can be dropped. */
  | { readonly type: 'erased' }
  /** The request of this key is in its workspace's journal now, or was refused. */
  | { readonly type: 'routed'; readonly workspace: string; readonly key: string; readonly refused?: string | undefined }

const request = z.object({
  ...{ saga: z.string(), version: z.number().optional(), input: json, subject: subject.optional() },
  ...{ key: z.string(), by, traceparent: z.string().optional() },
})
const asked = z.object({ workspace: z.string(), request })
const events: z.ZodType<IntakeEvent> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('announced'), saga: sagaShape }),
  z.object({ type: z.enum(['opened', 'closed', 'purging', 'forgotten', 'unpurged']), workspace: z.string() }),
  z.object({ type: z.enum(['erased', 'repaired', 'surveyed']) }),
  z.object({ type: z.literal('asked'), ...asked.shape }),
  z.object({
    type: z.literal('routed'),
    ...{ workspace: z.string(), key: z.string(), refused: z.string().optional() },
  }),
])
const states = z.object({
  sagas: z.array(sagaShape),
  latest: z.array(z.tuple([z.string(), z.number()])),
  open: z.array(z.string()),
  asked: z.array(asked),
  purging: z.array(z.string()).optional(),
  isRepaired: z.boolean().optional(),
})

/** Folds the events of the server's own journal. The result is a function of the events alone. */
export class IntakeFold {
  readonly #sagas = new Map<string, SagaShape>()
  readonly #latest = new Map<string, number>()
  readonly #open = new Set<string>()
  readonly #asked = new Map<string, Asked>()
  readonly #purging = new Set<string>()
  #isRepaired = false

  static load(saved: z.output<typeof states>): IntakeFold {
    const { sagas, latest, open, asked: waiting, purging = [], isRepaired = false } = saved
    const fold = new IntakeFold()
    for (const saga of sagas) fold.#sagas.set(nameOf(saga.name, saga.version), saga)
    for (const [name, version] of latest) fold.#latest.set(name, version)
    for (const workspace of open) fold.#open.add(workspace)
    for (const one of waiting) fold.#asked.set(nameOf(one.workspace, one.request.key), one)
    for (const workspace of purging) fold.#purging.add(workspace)
    fold.#isRepaired = isRepaired
    return fold
  }

  save(): Json {
    const saved = { sagas: [...this.#sagas.values()], latest: [...this.#latest], open: [...this.#open] }
    const rest = { purging: [...this.#purging], isRepaired: this.#isRepaired }
    return { ...saved, asked: [...this.#asked.values()], ...rest } as unknown as Json
  }

  /** Names of the sagas that workers have announced. */
  get names(): string[] {
    return [...this.#latest.keys()]
  }

  get size(): number {
    return this.#sagas.size
  }

  /** Workspaces that had open tasks when that was last looked at. */
  get open(): ReadonlySet<string> {
    return this.#open
  }

  get asked(): Iterable<Asked> {
    return this.#asked.values()
  }

  /** Sagas that workers have announced, in the order of their first announcement. */
  get sagas(): Iterable<SagaShape> {
    return this.#sagas.values()
  }

  /** Workspaces whose purge has begun, and of which something may be left. */
  get purging(): ReadonlySet<string> {
    return this.#purging
  }

  /** Whether a repair has dropped events, and nobody has looked at all journals since. */
  get isRepaired(): boolean {
    return this.#isRepaired
  }

  isAsked({ workspace, request }: Asked): boolean {
    return this.#asked.has(nameOf(workspace, request.key))
  }

  /** Version that was announced last. */
  latestOf(name: string): number | undefined {
    return this.#latest.get(name)
  }

  sagaOf(name: string, version: number): SagaShape | undefined {
    return this.#sagas.get(nameOf(name, version))
  }

  versionsOf(name: string): number[] {
    return [...this.#sagas.values()].filter((saga) => saga.name === name).map(({ version }) => version)
  }

  take(event: IntakeEvent): void {
    switch (event.type) {
      case 'announced':
        this.#sagas.set(nameOf(event.saga.name, event.saga.version), event.saga)
        this.#latest.set(event.saga.name, event.saga.version)
        return
      case 'opened':
        this.#open.add(event.workspace)
        return
      case 'closed':
        this.#open.delete(event.workspace)
        return
      case 'asked':
        this.#asked.set(nameOf(event.workspace, event.request.key), {
          workspace: event.workspace,
          request: event.request,
        })
        return
      case 'purging':
        this.#purging.add(event.workspace)
        return
      case 'unpurged':
        this.#purging.delete(event.workspace)
        return
      case 'repaired':
        this.#isRepaired = true
        return
      case 'surveyed':
        this.#isRepaired = false
        return
      case 'forgotten':
        this.#purging.delete(event.workspace)
        this.#open.delete(event.workspace)
        for (const [name, { workspace }] of this.#asked) if (workspace === event.workspace) this.#asked.delete(name)
        return
      case 'erased':
        return
      case 'routed':
        this.#asked.delete(nameOf(event.workspace, event.key))
        return
    }
  }
}

function nameOf(first: string, second: string | number): string {
  return JSON.stringify([first, second])
}

const saved = jsonCodec(states, 'a snapshot of the intake of tasks')

export const intakeEvents: Codec<IntakeEvent> = jsonCodec(events, 'a record of the intake of tasks')
export const intakeStates: Codec<IntakeFold> = {
  encode: (fold) => saved.encode(fold.save() as z.output<typeof states>),
  decode: (bytes) => IntakeFold.load(saved.decode(bytes)),
}
