import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DemonstrationError } from './demonstration-error.ts'
import type { StepInput, StepName, StepOutput } from './steps/all-steps.ts'
import type { Order, Word, WriterSettings } from './writer-link.ts'

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url))
/** Folder of Node's compile cache: with it, a writer starts in a third of the time. A folder that can't be written is no error. */
const COMPILED = fileURLToPath(new URL('../node_modules/.compiled', import.meta.url))
/** Length of the end of stderr that an error message has, characters. */
const STDERR_CHARS_MAX = 2_000

/** Last known state of a writer's process. */
export type WriterState = 'starting' | 'working' | 'ended' | 'killed'

/** One headless writer, seen from the server. */
export class WriterProcess {
  readonly settings: WriterSettings
  readonly #child: ChildProcess
  readonly #note: (text: string) => void
  readonly #ready = waitable<void>()
  readonly #orders = new Map<number, PromiseWithResolvers<never>>()
  readonly #points = new Map<string, PromiseWithResolvers<void>>()
  readonly #exited = Promise.withResolvers<void>()
  #count = 0
  #stderr = ''
  #state: WriterState = 'starting'

  /** Starts the process. `note` is called with its remarks for a person. `secrets`: variables that it needs. */
  constructor(settings: WriterSettings, note: (text: string) => void, secrets: Readonly<Record<string, string>> = {}) {
    this.settings = settings
    this.#note = note
    // The writer gets none of this process's options, environment or debugger.
    const { PATH } = process.env
    this.#child = fork(WRITER, [JSON.stringify(settings)], {
      execArgv: [],
      env: { ...secrets, PATH, NODE_COMPILE_CACHE: COMPILED },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARS_MAX)
    })
    this.#child.on('message', (message) => this.#hear(message as Word))
    this.#child.once('error', (error) => this.#end(error.message))
    this.#child.once('close', (code, signal) => this.#end(`ended with ${signal ?? code}`))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get state(): WriterState {
    return this.#state
  }

  /** Resolves when the writer is connected and in sync; rejects with `writer_failed` if it ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Tells the writer to do one step. Rejects with `writer_failed` if the step fails or the process ends. */
  do<Name extends StepName>(step: Name, input: StepInput<Name>): Promise<StepOutput<Name>> {
    const order: Order<Name> = { id: this.#count++, step, input }
    const answer = waitable<never>()
    if (this.#state === 'ended' || this.#state === 'killed') answer.reject(this.#failure('has ended'))
    else {
      this.#orders.set(order.id, answer)
      this.#child.send(order, (error) => {
        if (error !== null) answer.reject(this.#failure(error.message))
      })
    }
    return answer.promise
  }

  /** Resolves when a step reaches this point, or has reached it already; rejects if the process ends before. */
  reached(point: string): Promise<void> {
    return this.#point(point).promise
  }

  /** Kills the process with SIGKILL, which it can't handle, as when a machine fails. Resolves when it is gone. Idempotent. */
  kill(): Promise<void> {
    return this.#stop('killed', 'SIGKILL')
  }

  /** Ends the process, because its work is done. Resolves when it is gone. Idempotent. */
  leave(): Promise<void> {
    return this.#stop('ended', 'SIGTERM')
  }

  #stop(state: 'ended' | 'killed', signal: NodeJS.Signals): Promise<void> {
    if (this.#state === 'starting' || this.#state === 'working') {
      this.#state = state
      this.#child.kill(signal)
    }
    return this.#exited.promise
  }

  #hear(word: Word): void {
    switch (word.type) {
      case 'ready':
        this.#state = 'working'
        this.#ready.resolve()
        break
      case 'note':
        this.#note(word.text)
        break
      case 'reached':
        this.#point(word.point).resolve()
        break
      case 'done':
        this.#orders.get(word.id)?.resolve(word.output as never)
        this.#orders.delete(word.id)
        break
      case 'failed':
        this.#orders.get(word.id)?.reject(this.#failure(word.message))
        this.#orders.delete(word.id)
    }
  }

  #point(name: string): PromiseWithResolvers<void> {
    let point = this.#points.get(name)
    if (point === undefined) {
      point = waitable()
      this.#points.set(name, point)
    }
    return point
  }

  #end(how: string): void {
    if (this.#state !== 'killed') this.#state = 'ended'
    const error = this.#failure(`${how} ${this.#stderr}`.trim())
    for (const waiting of [this.#ready, ...this.#orders.values(), ...this.#points.values()]) waiting.reject(error)
    this.#orders.clear()
    this.#exited.resolve()
  }

  #failure(reason: string): DemonstrationError {
    return new DemonstrationError('writer_failed', `${this.settings.actor}: ${reason}`)
  }
}

/** Makes a promise that may be rejected while nobody waits for it. */
function waitable<T>(): PromiseWithResolvers<T> {
  const waiting = Promise.withResolvers<T>()
  waiting.promise.catch(() => undefined)
  return waiting
}
