import { extname } from 'node:path/posix'
import { Worker } from 'node:worker_threads'
import { TrialError } from './trial-error.ts'
import type { TrialAnswer, TrialRequest } from './trial-protocol.ts'

/** Beside this file, in the sources as well as in what is built of them. */
const PROGRAM = new URL(`./trial-worker${extname(import.meta.url)}`, import.meta.url)
/** Time between two looks at the CPU time of a thread that works, ms. */
const LOOK_MS = 100
const MIB = 1024 * 1024

type Pending = PromiseWithResolvers<TrialAnswer>

/** One worker thread for trials, with a bound on its heap. It does one request after the other. */
export class TrialThread {
  readonly #worker: Worker
  readonly #heapBytes: number
  #pending: Pending | undefined
  #watch: NodeJS.Timeout | undefined
  #end: TrialError | undefined

  constructor(heapBytes: number) {
    this.#heapBytes = heapBytes
    this.#worker = new Worker(PROGRAM, {
      name: 'joinery trial',
      // Neither keys nor options of the process are the thread's business.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytes / MIB), maxYoungGenerationSizeMb: 32 },
    })
    this.#worker.unref()
    this.#worker.on('message', (answer: TrialAnswer) => this.#settle(({ resolve }) => resolve(answer)))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread exited with code ${code}`)))
  }

  /** False once the thread has ended or was ended. */
  get isAlive(): boolean {
    return this.#end === undefined
  }

  /**
   * Has the thread do one request. Rejects with {@link TrialError}: `unreadable` bytes leave the thread as it is; after `too_long`
   * (more than `cpuMsMax` of CPU time), `out_of_memory` and `died` it is gone.
   */
  async ask(request: TrialRequest, cpuMsMax: number): Promise<TrialAnswer> {
    if (this.#end !== undefined) throw this.#end
    const pending = Promise.withResolvers<TrialAnswer>()
    this.#pending = pending
    // The thread must not keep a process alive, and a trial under way must.
    this.#worker.ref()
    this.#worker.postMessage(request)
    void this.#watchCpu(pending, cpuMsMax)
    const answer = await pending.promise
    if (answer.failed !== undefined) throw new TrialError('unreadable', `Yjs can not read it: ${answer.failed}`)
    if (answer.cpuMs > cpuMsMax) throw tooLong(cpuMsMax)
    return answer
  }

  async end(reason = new TrialError('died', 'the trial was ended')): Promise<void> {
    this.#end ??= reason
    this.#settle(({ reject }) => reject(reason))
    await this.#worker.terminate()
  }

  async #watchCpu(pending: Pending, cpuMsMax: number): Promise<void> {
    const before = await this.#worker.cpuUsage().catch(() => undefined)
    if (before === undefined) return
    const look = async (): Promise<void> => {
      const used = await this.#worker.cpuUsage(before).catch(() => undefined)
      if (this.#pending !== pending || used === undefined) return
      if ((used.user + used.system) / 1_000 > cpuMsMax) return await this.end(tooLong(cpuMsMax))
      this.#watch = setTimeout(look, LOOK_MS)
    }
    await look()
  }

  #fail(error: Error): void {
    const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const megabytes = Math.round(this.#heapBytes / MIB)
    this.#end ??= isFull
      ? new TrialError('out_of_memory', `it takes more than ${megabytes} MiB of memory (trialHeapBytes)`)
      : new TrialError('died', `the trial ended early: ${error.message}`)
    const end = this.#end
    this.#settle(({ reject }) => reject(end))
  }

  #settle(settle: (pending: Pending) => void): void {
    const pending = this.#pending
    this.#pending = undefined
    clearTimeout(this.#watch)
    this.#worker.unref()
    if (pending !== undefined) settle(pending)
  }
}

function tooLong(cpuMsMax: number): TrialError {
  return new TrialError('too_long', `it takes more than ${cpuMsMax} ms`)
}
