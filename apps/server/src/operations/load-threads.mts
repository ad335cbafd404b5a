import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { LogError, type Lsn } from '@joinery/log'
import { TrialCutShort, type TrialLoad } from '@joinery/log/operations'
import type { LoadLimits } from './load-limits.mts'
import type { AddedUpdate, LoadAnswer, LoadData, LoadRequest } from './load-protocol.mts'
import type { TrialTerms } from './trial-load.mts'

const PROGRAM = new URL('./load-thread.mts', import.meta.url)
const MIB = 1024 * 1024
/** Updates that are sent to the thread at once, at most, and their bytes. */
const CHUNK_MAX = 1_000
const CHUNK_BYTES = MIB
/** Time between two looks at the CPU time of a thread that works, ms. */
const LOOK_MS = 100
/**
 * The thread itself ends a load that takes too long, after a part of an update. It spends CPU on messages and garbage besides. One that has
 * spent this multiple of the bound, and these ms, is in a part that does not end.
 */
const CPU_FACTOR = 2
const GRACE_MS = 2_000
/** Memory of the thread beside a document that it measures, as a multiple of that: its load takes about twice the document for a moment. */
const ROOM = 2
const ROOM_BYTES = 128 * MIB

/** Begins the load of a workspace. One load ends the one before, finished or not. */
export type BeginLoad = () => TrialLoad

/** How loads are bounded. */
export interface ThreadTerms {
  readonly limits: Pick<LoadLimits, 'loadMsMax' | 'trialHeapBytes'>
  /** True where the memory of the document is bounded by `trialHeapBytes`, too, as in the trial of a server. */
  readonly isMeasured?: boolean
  /** Heap of the thread, bytes; by default that of this process, which would have to serve the document. */
  readonly heapBytes?: number
}

/**
 * Runs `work` with loads that are done in a worker thread: whatever a stored update does, it keeps nobody else waiting, and a full heap
 * ends the thread alone. The thread ends with the work.
 */
export async function withLoadThread<T>(terms: ThreadTerms, work: (begin: BeginLoad) => Promise<T>): Promise<T> {
  const { begin, end } = openLoadThread(terms)
  try {
    return await work(begin)
  } finally {
    await end()
  }
}

/** The same for work that is no function. The caller ends the thread. It starts with the first load. */
export function openLoadThread(terms: ThreadTerms): { readonly begin: BeginLoad; end(): Promise<void> } {
  const thread = new LoadThread(terms)
  return { begin: () => thread.begin(), end: () => thread.end() }
}

type Pending = PromiseWithResolvers<LoadAnswer>

class LoadThread {
  readonly #terms: ThreadTerms
  readonly #now = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT))
  #worker: Worker | undefined
  #pending: Pending | undefined
  #end: Error | undefined
  #isEnded = false
  /** CPU time of the thread when its load began, as its own look at the time counts it. */
  #before: Promise<NodeJS.CpuUsage | undefined> | undefined
  #load: ThreadLoad | undefined

  constructor(terms: ThreadTerms) {
    this.#terms = terms
  }

  begin(): TrialLoad {
    const { limits, isMeasured } = this.#terms
    const load = new ThreadLoad({
      msMax: limits.loadMsMax,
      heapBytesMax: isMeasured ? limits.trialHeapBytes : undefined,
      ask: (request) => {
        if (this.#load !== load) throw new TypeError('another load has begun: each ends the one before')
        return this.#ask(request)
      },
    })
    this.#load = load
    return load
  }

  async end(): Promise<void> {
    this.#isEnded = true
    this.#fail(new TrialCutShort('the load was ended'))
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  async #ask(request: LoadRequest): Promise<void> {
    // Another workspace has a thread of its own when the last one has ended its thread.
    if (request.type === 'begin' && this.#worker === undefined && !this.#isEnded) this.#start()
    const worker = this.#worker
    if (worker === undefined) throw this.#end ?? new TrialCutShort('the thread of the load has ended')
    if (request.type === 'begin') {
      this.#before = cpuOf(worker)
      this.#now[0] = Number.NaN
    }
    const pending = Promise.withResolvers<LoadAnswer>()
    this.#pending = pending
    worker.postMessage(request)
    const watch = this.#watchCpu(worker, pending)
    const { failed } = await pending.promise.finally(() => watch.stop())
    if (failed === undefined) return
    const { code, message, lsn } = failed
    throw new LogError(code, message, lsn === undefined ? {} : { lsn })
  }

  #start(): void {
    this.#end = undefined
    const worker = new Worker(PROGRAM, {
      name: 'joinery load',
      // Neither keys nor options of the process are the thread's business.
      env: {},
      execArgv: [],
      workerData: { lsn: this.#now } satisfies LoadData,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(this.#heapBytes / MIB), maxYoungGenerationSizeMb: 32 },
    })
    this.#worker = worker
    worker.on('message', (answer: LoadAnswer) => this.#settle(({ resolve }) => resolve(answer)))
    worker.on('error', (error) => this.#died(worker, error))
    worker.on('exit', (code) => this.#died(worker, new Error(`it exited with code ${code}`)))
  }

  get #heapBytes(): number {
    const { limits, isMeasured, heapBytes } = this.#terms
    const ownBytes = heapBytes ?? getHeapStatistics().heap_size_limit
    return isMeasured ? Math.max(ownBytes, limits.trialHeapBytes * ROOM + ROOM_BYTES) : ownBytes
  }

  #watchCpu(worker: Worker, pending: Pending): { stop(): void } {
    let timer: NodeJS.Timeout | undefined
    const look = async (): Promise<void> => {
      const used = await cpuOf(worker, await this.#before)
      if (this.#pending !== pending) return
      const { loadMsMax } = this.#terms.limits
      const usedMs = used === undefined ? 0 : (used.user + used.system) / 1_000
      if (usedMs <= CPU_FACTOR * loadMsMax + GRACE_MS) {
        timer = setTimeout(look, LOOK_MS)
        return
      }
      const why = `it takes more than the ${loadMsMax} ms of CPU that a server allows (loadMsMax), with the update of LSN`
      this.#leave(worker, this.#notLoadable(why))
      await worker.terminate()
    }
    timer = setTimeout(look, LOOK_MS)
    return { stop: () => clearTimeout(timer) }
  }

  #died(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const megabytes = Math.round(this.#heapBytes / MIB)
    const why = `it takes more than ${megabytes} MiB of memory, all that there is, with the update of LSN`
    const cut = new TrialCutShort(`the thread that loads it ended early: ${error.message}: try again`, { cause: error })
    // One that ends before the first update has no room for the program itself.
    this.#leave(worker, isFull && !Number.isNaN(this.#now[0]) ? this.#notLoadable(why) : cut)
  }

  /** The thread is gone, or as good as gone, and takes what it works on along. */
  #leave(worker: Worker, error: Error): void {
    if (this.#worker === worker) this.#worker = undefined
    this.#fail(error)
  }

  #fail(error: Error): void {
    this.#end ??= error
    this.#settle(({ reject }) => reject(error))
  }

  #notLoadable(why: string): LogError {
    const lsn = this.#now[0] as Lsn
    return new LogError('not_loadable', `${why} ${lsn}`, { lsn })
  }

  #settle(settle: (pending: Pending) => void): void {
    const pending = this.#pending
    this.#pending = undefined
    if (pending !== undefined) settle(pending)
  }
}

/** CPU time of a thread; undefined for one that does not run yet, or no more. */
function cpuOf(worker: Worker, before?: NodeJS.CpuUsage): Promise<NodeJS.CpuUsage | undefined> {
  return worker.cpuUsage(before).catch(() => undefined)
}

interface LoadContext extends Omit<TrialTerms, 'onUpdate'> {
  ask(request: LoadRequest): Promise<void>
}

/** One load in the thread. Updates go there many at a time. */
class ThreadLoad implements TrialLoad {
  readonly #context: LoadContext
  #hasBegun = false
  #chunk: AddedUpdate[] = []
  #bytes = 0

  constructor(context: LoadContext) {
    this.#context = context
  }

  add(update: Uint8Array, lsn: Lsn): void | Promise<void> {
    this.#bytes += update.length
    if (this.#chunk.push({ update, lsn }) < CHUNK_MAX && this.#bytes < CHUNK_BYTES) return undefined
    return this.#send()
  }

  async finish(): Promise<void> {
    await this.#send()
    await this.#context.ask({ type: 'finish' })
  }

  async #send(): Promise<void> {
    const { ask, msMax, heapBytesMax } = this.#context
    const updates = this.#chunk
    this.#chunk = []
    this.#bytes = 0
    if (!this.#hasBegun) await ask({ type: 'begin', msMax, heapBytesMax })
    this.#hasBegun = true
    await ask({ type: 'add', updates })
  }
}
