import { PRESENCE_ACTOR_KEY, WIRE_LIMITS } from '@joinery/protocol'
import type { Awareness } from 'y-protocols/awareness'
import { presenceTooLarge } from './client-error.ts'
import { type Observable, ObservableValue } from './observable-value.ts'

/** The state that a client shows of itself: any JSON object, at most 4 KiB as JSON. */
export type PresenceState = Readonly<Record<string, unknown>>

/** Another client that is in the workspace now. */
export interface Peer {
  /** Yjs client id. A reload changes it. */
  readonly clientId: number
  /** The actor of the client's token, as the server says; undefined with a server that does not say so. A name in `state` is only claimed. */
  readonly actor: string | undefined
  readonly state: PresenceState
}

const encoder = new TextEncoder()

/** Key of the running jobs' progress in an awareness state. A client that shows only this key is not shown as present. */
const PROGRESS_KEY = 'joinery:progress'

/** The progress of each running job, by `<block>/<index>`. Ephemeral: the document never holds it. */
export type ProgressSteps = Readonly<Record<string, ProgressStep>>

/** Progress of an unfinished run. */
export interface ProgressStep {
  /** Id of the run. */
  readonly run: string
  readonly done: number
  readonly total?: number
  /** For a person. */
  readonly note?: string
}

/** Tells who else is in the workspace: a thin layer on y-protocols' awareness that stays when the document is replaced. */
export class Presence {
  #awareness: Awareness | undefined
  #own: PresenceState | undefined
  #ownProgress: ProgressSteps = {}
  /** Keys of the local state that this class wrote. Other keys belong to an editor binding. */
  #saidKeys: ReadonlySet<string> = new Set()
  readonly #progress = new ObservableValue<ProgressSteps>({})
  /** Peers by their state object in awareness. */
  readonly #peers = new WeakMap<object, Peer>()
  readonly #others = new ObservableValue<readonly Peer[]>([])

  /**
   * y-protocols' awareness of `workspace.doc`, for an editor binding that shows cursors (`yCollab(text, presence.awareness)`). A
   * replaced document has another awareness: bind again in `workspace.onReset`, as for the text. A binding's fields are shown
   * while a state is `set`. If both write the same field, `set` wins.
   */
  get awareness(): Awareness {
    // The workspace attaches it in its constructor.
    return this.#awareness as Awareness
  }

  /** The other clients that show a state, sorted by client id. Their editor bindings' fields are included. Empty while offline. */
  get others(): Observable<readonly Peer[]> {
    return this.#others
  }

  /** The state that was set last. */
  get(): PresenceState | undefined {
    return this.#own
  }

  /**
   * Shows `state` to the other clients until the next call. Undefined removes it, and an editor's cursors with it. Throws
   * `presence_too_large` when `state` and the binding's fields take more than 4 KiB.
   */
  set(state: PresenceState | undefined): void {
    if (state !== undefined) {
      const bytes = encoder.encode(JSON.stringify({ ...this.#bindingFields(), ...state })).length
      const bytesMax = WIRE_LIMITS.awarenessStateBytesMax
      if (bytes > bytesMax) {
        throw presenceTooLarge(bytes)
      }
    }
    this.#own = state
    this.#say()
  }

  /** The progress of every running job in the workspace, this client's included. */
  get progress(): Observable<ProgressSteps> {
    return this.#progress
  }

  /** Shows progress of a job of this client under `<block>/<index>`. Undefined removes it. */
  setProgress(key: string, step: ProgressStep | undefined): void {
    const { [key]: _ended, ...others } = this.#ownProgress
    this.#ownProgress = step === undefined ? others : { ...others, [key]: step }
    this.#say()
  }

  /** Sends the state again on a new connection, under a newer clock: others have removed the state with the old clock. */
  announce(): void {
    if (this.#awareness?.getLocalState() != null) this.#say()
  }

  #say(): void {
    const hasProgress = Object.keys(this.#ownProgress).length > 0
    const said = hasProgress ? { ...this.#own, [PROGRESS_KEY]: this.#ownProgress } : this.#own
    // Without a state of its own, this client's cursor would have no name.
    const kept = this.#own === undefined ? {} : this.#bindingFields()
    this.#saidKeys = new Set(Object.keys(said ?? {}))
    this.#awareness?.setLocalState(said === undefined ? null : { ...kept, ...said })
  }

  /** The fields of the local state that this class did not write: an editor's cursor. */
  #bindingFields(): Record<string, unknown> {
    const local = Object.entries(this.#awareness?.getLocalState() ?? {})
    return Object.fromEntries(local.filter(([key]) => !this.#saidKeys.has(key)))
  }

  /** Moves to another replica's awareness, and shows the present state there. */
  attach(awareness: Awareness): void {
    this.#awareness?.off('change', this.#onChange)
    this.#awareness = awareness
    awareness.on('change', this.#onChange)
    this.#say()
    this.#onChange()
  }

  readonly #onChange = (): void => {
    const awareness = this.#awareness
    if (awareness === undefined) return
    const peers: Peer[] = []
    const steps: Record<string, ProgressStep> = {}
    for (const [clientId, state] of awareness.getStates()) {
      const { [PROGRESS_KEY]: shown, [PRESENCE_ACTOR_KEY]: actor, ...presence } = state as Record<string, unknown>
      Object.assign(steps, stepsOf(shown))
      if (clientId === awareness.clientID || Object.keys(presence).length === 0) continue
      // An unchanged peer stays the same object, so that a list need not draw it again.
      const peer = this.#peers.get(state) ?? {
        clientId,
        actor: typeof actor === 'string' ? actor : undefined,
        state: presence,
      }
      this.#peers.set(state, peer)
      peers.push(peer)
    }
    if (JSON.stringify(steps) !== JSON.stringify(this.#progress.get())) this.#progress.set(steps)
    peers.sort((a, b) => a.clientId - b.clientId)
    const before = this.#others.get()
    if (peers.length !== before.length || peers.some((peer, i) => peer !== before[i])) this.#others.set(peers)
  }
}

/** The valid parts of a peer's progress: a peer may write anything into its awareness state. */
function stepsOf(shown: unknown): Record<string, ProgressStep> {
  const steps: Record<string, ProgressStep> = {}
  if (typeof shown !== 'object' || shown === null) return steps
  for (const [key, step] of Object.entries(shown as Record<string, unknown>)) {
    const { run, done, total, note } = (step ?? {}) as Record<string, unknown>
    if (key === '__proto__' || typeof run !== 'string' || typeof done !== 'number') continue
    steps[key] = {
      run,
      done,
      ...(typeof total === 'number' ? { total } : {}),
      ...(typeof note === 'string' ? { note } : {}),
    }
  }
  return steps
}
