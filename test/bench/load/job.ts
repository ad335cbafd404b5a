import type { WireName } from './wire.ts'

/** The server a job is run against. */
export interface Target {
  readonly url: string
  readonly wire: WireName
  /** Its process, whose CPU time and memory are read. */
  readonly pid: number
  /** Whether a client that joins later must be given everything. */
  readonly keepsDocuments: boolean
}

export interface FanOutWork {
  readonly kind: 'fanOut'
  readonly rooms: number
  /** Per room. One of them observes: it decodes everything and tells when each edit has arrived. */
  readonly clients: number
  readonly writers: number
  readonly editsPerWriter: number
  /** Either as fast as the observer sees them, with at most `window` of a writer's edits on the way, or at a fixed rate. */
  readonly pace: { readonly window: number } | { readonly editsPerSecond: number }
}

export interface ConnectWork {
  readonly kind: 'connect'
  readonly rooms: number
  readonly connections: number
}

export interface HistoryWork {
  readonly kind: 'history'
  /** An editing trace, gzipped JSON; a generated one of the same size when absent. */
  readonly traceFile?: string
  /** Only the first so many edits. */
  readonly editsMax?: number
}

export type Work = FanOutWork | ConnectWork | HistoryWork

/** One run of one row against one server, as handed to the load process. */
export interface Job {
  readonly target: Target
  readonly work: Work
}

/** What a job found. All are means over the whole job. */
export interface Figures {
  readonly cpuMicrosPerDelivery?: number
  readonly cpuMicrosPerEdit?: number
  readonly cpuMicrosPerConnection?: number
  readonly memoryKiBPerConnection?: number
  /** From handing an edit to the socket until the observer has applied it, ms. */
  readonly latencyP50Ms?: number
  readonly latencyP99Ms?: number
  readonly wallSeconds: number
  /** CPU time of the load process itself: near `wallSeconds`, the generator was the bottleneck, not the server. */
  readonly loadCpuSeconds: number
}

/** How long any one job may take before it counts as failed. */
export const JOB_TIMEOUT_MS = 300_000
