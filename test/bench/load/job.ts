import type { WireName } from './wire.ts'

/** The server a job is run against. */
export interface Target {
  readonly url: string
  readonly wire: WireName
  /** Its process, whose CPU time and memory are read. */
  readonly pid: number
  /** Other processes whose CPU time is read, too. */
  readonly beside?: readonly number[]
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
  /** Edits of each writer of the same load before the measured one, in other rooms: V8 has then compiled what is busy. */
  readonly warmUpEdits?: number
}

export interface ConnectWork {
  readonly kind: 'connect'
  readonly rooms: number
  readonly connections: number
  /** Then closes them all, and looks at the server's memory again once rooms had this long to go, ms. */
  readonly leaveMs?: number
}

export interface HistoryWork {
  readonly kind: 'history'
  /** An editing trace, gzipped JSON; a generated one of the same size when absent. */
  readonly traceFile?: string
  /** Only the first so many edits. */
  readonly editsMax?: number
}

export interface ColdSyncWork {
  readonly kind: 'coldSync'
  readonly room: string
  readonly clients: number
  readonly traceFile?: string
  readonly editsMax?: number
}

/** Content that a first process of the server stores, so that a second one has something to load. */
export interface FillHistoryWork {
  readonly kind: 'fillHistory'
  readonly room: string
  readonly traceFile?: string
  readonly editsMax?: number
}

export interface FillRoomsWork {
  readonly kind: 'fillRooms'
  readonly rooms: number
}

/** The same text in each room, typed a character at a time in all of them at once. */
export interface TypeRoomsWork {
  readonly kind: 'typeRooms'
  readonly rooms: number
  readonly editsPerRoom: number
}

/** The content of {@link TypeRoomsWork}, read after a restart by one client for each room. */
export interface RecoverWork {
  readonly kind: 'recover'
  readonly rooms: number
  readonly editsPerRoom: number
}

export type Work =
  | FanOutWork
  | ConnectWork
  | HistoryWork
  | ColdSyncWork
  | FillHistoryWork
  | FillRoomsWork
  | TypeRoomsWork
  | RecoverWork

/** One run of one row against one server, as handed to the load process. */
export interface Job {
  readonly target: Target
  readonly work: Work
}

/** Figures of a job. All are means over the whole job. */
export interface Figures {
  readonly cpuMicrosPerDelivery?: number
  readonly cpuMicrosPerEdit?: number
  readonly cpuMicrosPerConnection?: number
  /** CPU time of each process of {@link Target.beside}, µs. */
  readonly besideCpuMicros?: readonly number[]
  /** Resident memory before the first connection, MiB. */
  readonly memoryMiBBefore?: number
  readonly memoryKiBPerConnection?: number
  /** Resident memory above that before the first connection, after all have left, MiB. */
  readonly memoryMiBAfterLeaving?: number
  /** From the first of the clients opening its socket until the last had been sent everything, ms. */
  readonly coldSyncMs?: number
  readonly coldSyncCpuMs?: number
  /** From the first client opening its socket until every room's content had been sent, ms. */
  readonly recoveryMs?: number
  readonly recoveryCpuMs?: number
  /** From starting the server's process until it said that it serves, ms. */
  readonly startMs?: number
  /** Bytes of the server's data directory after it has stopped, per edit. */
  readonly diskBytesPerEdit?: number
  /** From handing an edit to the socket until the observer has applied it, ms. */
  readonly latencyP50Ms?: number
  readonly latencyP99Ms?: number
  readonly wallSeconds: number
  /** CPU time of the load process itself: near `wallSeconds`, the generator was the bottleneck, not the server. */
  readonly loadCpuSeconds: number
}

/** How long any one job may take before it counts as failed. */
export const JOB_TIMEOUT_MS = 300_000
