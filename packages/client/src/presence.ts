import { WIRE_LIMITS } from '@joinery/protocol'
import type { Awareness } from 'y-protocols/awareness'
import { ClientError } from './client-error.ts'
import { type Observable, ObservableValue } from './observable-value.ts'

/** What one says about oneself: any JSON object, at most 4 KiB as JSON. */
export type PresenceState = Readonly<Record<string, unknown>>

/** Somebody else who is in the workspace now. */
export interface Peer {
  /** Yjs client id: changes when they reload. */
  readonly clientId: number
  readonly state: PresenceState
}

const encoder = new TextEncoder()

/** Key of the running jobs' last steps in an awareness state; whoever shows only these is no presence. */
const PROGRESS_KEY = 'joinery:progress'

/** The last step of each job that somebody runs now, by `<block>/<index>`. Ephemeral: it never reaches the document. */
export type ProgressSteps = Readonly<Record<string, ProgressStep>>

/** One step of a run that is under way. */
export interface ProgressStep {
  /** Id of the run that makes it. */
  readonly run: string
  readonly done: number
  readonly total?: number
  /** For a person. */
  readonly note?: string
}

/** Who else is here: a thin layer on y-protocols' awareness that survives the swap of a replica. */
export class Presence {
  #awareness: Awareness | undefined
  #own: PresenceState | undefined
  #ownProgress: ProgressSteps = {}
  /** Keys of the local state that were said here; the others are an editor binding's. */
  #saidKeys: ReadonlySet<string> = new Set()
  readonly #progress = new ObservableValue<ProgressSteps>({})
  /** Peers by the very state object that awareness holds of them. */
  readonly #peers = new WeakMap<object, Peer>()
  readonly #others = new ObservableValue<readonly Peer[]>([])

  /**
   * y-protocols' awareness of `workspace.doc`, for an editor binding that shows cursors (`yCollab(text, presence.awareness)`).
   * Another one stands here once the document is replaced: bind anew in `workspace.onReset`, as for the text itself. A
   * binding's fields count and are shown as long as something is `set`; a field that `set` names too is `set`'s.
   */
  get awareness(): Awareness {
    // Attached by the workspace before anybody can ask.
    return this.#awareness as Awareness
  }

  /** Everybody else who said something, by client id, with what their editor bindings said. Empty while offline. */
  get others(): Observable<readonly Peer[]> {
    return this.#others
  }

  /** What was last set. */
  get(): PresenceState | undefined {
    return this.#own
  }

  /**
   * Shows `state` to everybody else until it is set again; undefined leaves, with an editor's cursors. Throws
   * `presence_too_large` when it and what a binding said take more than 4 KiB.
   */
  set(state: PresenceState | undefined): void {
    if (state !== undefined) {
      const bytes = encoder.encode(JSON.stringify({ ...this.#bindingFields(), ...state })).length
      const bytesMax = WIRE_LIMITS.awarenessStateBytesMax
      if (bytes > bytesMax) {
        throw new ClientError(
          'presence_too_large',
          `a presence state takes at most ${bytesMax} bytes, this one ${bytes}`,
        )
      }
    }
    this.#own = state
    this.#say()
  }

  /** The last step of every job that runs anywhere in the workspace, one's own included. */
  get progress(): Observable<ProgressSteps> {
    return this.#progress
  }

  /** Shows a step of one's own job under `<block>/<index>`; undefined when it has ended. */
  setProgress(key: string, step: ProgressStep | undefined): void {
    const { [key]: _ended, ...others } = this.#ownProgress
    this.#ownProgress = step === undefined ? others : { ...others, [key]: step }
    this.#say()
  }

  /** Says on a new connection what was said before, under a newer clock: others have removed the state under the old one. */
  announce(): void {
    if (this.#awareness?.getLocalState() != null) this.#say()
  }

  #say(): void {
    const hasProgress = Object.keys(this.#ownProgress).length > 0
    const said = hasProgress ? { ...this.#own, [PROGRESS_KEY]: this.#ownProgress } : this.#own
    // Without a presence of one's own a cursor would be a ghost.
    const kept = this.#own === undefined ? {} : this.#bindingFields()
    this.#saidKeys = new Set(Object.keys(said ?? {}))
    this.#awareness?.setLocalState(said === undefined ? null : { ...kept, ...said })
  }

  /** What others than this class wrote into the local state: an editor's cursor. */
  #bindingFields(): Record<string, unknown> {
    const local = Object.entries(this.#awareness?.getLocalState() ?? {})
    return Object.fromEntries(local.filter(([key]) => !this.#saidKeys.has(key)))
  }

  /** Follows another replica's awareness, and says there what was said on the last one. */
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
      const { [PROGRESS_KEY]: shown, ...presence } = state as Record<string, unknown>
      Object.assign(steps, stepsOf(shown))
      if (clientId === awareness.clientID || Object.keys(presence).length === 0) continue
      // A peer that did not change stays the same object, so that a list of them need not draw it again.
      const peer = this.#peers.get(state) ?? { clientId, state: presence }
      this.#peers.set(state, peer)
      peers.push(peer)
    }
    if (JSON.stringify(steps) !== JSON.stringify(this.#progress.get())) this.#progress.set(steps)
    peers.sort((a, b) => a.clientId - b.clientId)
    const before = this.#others.get()
    if (peers.length !== before.length || peers.some((peer, i) => peer !== before[i])) this.#others.set(peers)
  }
}

/** What of a peer's claim of progress is one: anybody may say anything in awareness. */
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
