import type { Source } from '@joinery/blocks'
import { DemonstrationError } from './demonstration-error.ts'
import { SCENARIOS, type ScenarioName } from './scenarios/all-scenarios.ts'
import type { Stage } from './scenarios/scenario.ts'
import type { ConfiguredEmbedding } from './search/open-embedder.ts'
import { WriterProcess, type WriterState } from './writer-process.ts'

export interface DemonstrationOptions {
  readonly url: string
  readonly workspace: string
  readonly scenario: ScenarioName
  /** The block to work on; without one the scenario makes its own. */
  readonly block: string | undefined
  readonly vectorsDirectory: string
  /** Absent where vectors are made of hashed n-grams. */
  readonly embedding?: ConfiguredEmbedding | undefined
  readonly pace: number
  /** Longest duration, ms; {@link TIME_MAX_MS} when absent. */
  readonly timeMaxMs?: number
}

/** Report of one event, for a person. */
export interface Remark {
  readonly atMs: number
  readonly who: string
  readonly text: string
}

/** Claim that a failure did not happen, and whether a check has confirmed it. */
export interface Finding {
  readonly holds: boolean
  readonly text: string
}

/** State of a demonstration as the page shows it. */
export interface DemonstrationView {
  readonly scenario: ScenarioName
  readonly state: 'running' | 'finished' | 'stopped' | 'failed'
  /** Reason for which it failed, for a person. */
  readonly reason?: string
  readonly startedAtMs: number
  /** Id of the block that it works on, once there is one. */
  readonly block?: string
  readonly writers: readonly { pid: number | undefined; actor: string; source: Source; state: WriterState }[]
  readonly remarks: readonly Remark[]
  readonly findings: readonly Finding[]
}

/** Longest duration of a demonstration, ms, whatever its writers do. */
const TIME_MAX_MS = 120_000
const REMARKS_MAX = 100

/** One scenario, played in one workspace by processes of its own. */
export class Demonstration implements Stage {
  readonly options: DemonstrationOptions
  readonly #startedAtMs = Date.now()
  readonly #writers: WriterProcess[] = []
  readonly #remarks: Remark[] = []
  readonly #findings: Finding[] = []
  #state: DemonstrationView['state'] = 'running'
  #reason: string | undefined
  #block: string | undefined
  readonly #endsAtMs: number
  readonly #timer: NodeJS.Timeout
  /** Resolves when the demonstration is over and every process is gone. Never rejects. */
  readonly over: Promise<void>

  constructor(options: DemonstrationOptions) {
    this.options = options
    this.#block = options.block
    const { timeMaxMs = TIME_MAX_MS } = options
    this.#endsAtMs = this.#startedAtMs + timeMaxMs
    this.#timer = setTimeout(
      () => this.#finish('failed', `it took longer than the allowed ${timeMaxMs / 1_000} seconds`),
      timeMaxMs,
    )
    this.over = this.#play()
  }

  get view(): DemonstrationView {
    return {
      scenario: this.options.scenario,
      state: this.#state,
      startedAtMs: this.#startedAtMs,
      writers: this.#writers.map(({ pid, state, settings: { actor, source } }) => ({ pid, actor, source, state })),
      remarks: [...this.#remarks],
      findings: [...this.#findings],
      ...(this.#reason !== undefined && { reason: this.#reason }),
      ...(this.#block !== undefined && { block: this.#block }),
    }
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Ends the demonstration. Resolves when every process is gone. Idempotent. */
  stop(): Promise<void> {
    this.#finish('stopped')
    return this.over
  }

  async enter(actor: string, source: Source): Promise<WriterProcess> {
    if (!this.isRunning) throw new DemonstrationError('writer_failed', 'the demonstration is over')
    const { url, workspace, vectorsDirectory, embedding, pace } = this.options
    const endsAtMs = this.#endsAtMs
    const settings = { url, workspace, source, actor, vectorsDirectory, embedding: embedding?.config, pace, endsAtMs }
    const writer = new WriterProcess(settings, (text) => this.remark(text, actor), embedding?.environment)
    this.#writers.push(writer)
    await writer.ready
    return writer
  }

  remark(text: string, who = ''): void {
    this.#remarks.push({ atMs: Date.now(), who, text })
    if (this.#remarks.length > REMARKS_MAX) this.#remarks.shift()
  }

  find(holds: boolean, text: string): void {
    this.#findings.push({ holds, text })
  }

  async block(make: () => Promise<string>): Promise<string> {
    this.#block ??= await make()
    return this.#block
  }

  async #play(): Promise<void> {
    try {
      await SCENARIOS[this.options.scenario].play(this)
      this.#finish('finished')
    } catch (error) {
      this.#finish('failed', error instanceof Error ? error.message : String(error))
    }
    await Promise.all(this.#writers.map((writer) => writer.leave()))
  }

  /** Sets the final state; only the first call counts. So a scenario that throws because it was stopped has not failed. */
  #finish(state: 'finished' | 'stopped' | 'failed', reason?: string): void {
    if (!this.isRunning) return
    this.#state = state
    this.#reason = reason
    clearTimeout(this.#timer)
    for (const writer of this.#writers) void writer.leave()
  }
}
