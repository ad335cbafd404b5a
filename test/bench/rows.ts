import type { Figures } from './load/job.ts'
import { HISTORY_EDITS } from './load/trace.ts'
import type { Measurement } from './measure.ts'
import type { PeerName } from './peers.ts'

/** The most that Joinery's figure may be: a number, or a multiple of what a peer needed in the same run. */
export type Bound = { readonly atMost: number } | { readonly atMost: number; readonly times: PeerName }

/** One line of the table. */
export interface FigureLine {
  readonly title: string
  readonly unit: string
  readonly pick: (figures: Figures) => number | undefined
  readonly bounds: readonly Bound[]
}

/** How much of a row's work is done: all of what its bounds are stated for, or enough to see that it runs. */
export type Scale = 'full' | 'short'

/** One kind of work, done by every peer in turn. */
export interface Row {
  readonly title: string
  readonly work: (scale: Scale, traceFile: string | undefined) => Measurement
  /** The peers that do this work unless the command line names others. */
  readonly peers: readonly PeerName[]
  readonly lines: readonly FigureLine[]
}

const SHORT_EDITS = 10_000
const COLD_ROOM = 'cold'

function historyOf(scale: Scale, traceFile: string | undefined) {
  return { ...(traceFile !== undefined && { traceFile }), ...(scale === 'short' && { editsMax: SHORT_EDITS }) }
}

/** The document of the history row, stored by a process before, to clients that have nothing. */
function coldSyncTo(clients: number): Row {
  return {
    title: `cold sync of that history to ${clients === 1 ? '1 client' : `${clients} clients`}`,
    work: (scale, traceFile) => ({
      prepare: { kind: 'fillHistory', room: COLD_ROOM, ...historyOf(scale, traceFile) },
      work: { kind: 'coldSync', room: COLD_ROOM, clients, ...historyOf(scale, traceFile) },
    }),
    // y-websocket-server's LevelDB keeps a part of what it was given by the time it is stopped.
    peers: ['joinery', 'finished', 'hocuspocus'],
    lines: [
      {
        title: 'time to all content',
        unit: 'ms',
        pick: (figures) => figures.coldSyncMs,
        bounds: [
          { atMost: 0.6, times: 'hocuspocus' },
          { atMost: 1.3, times: 'finished' },
        ],
      },
      {
        title: 'CPU',
        unit: 'ms',
        pick: (figures) => figures.coldSyncCpuMs,
        bounds: [{ atMost: 0.3, times: 'hocuspocus' }],
      },
    ],
  }
}

/** After a restart one client comes to each of a thousand workspaces: all at the same moment, as they do. */
function recoveryAfter(prepareEndsBy: 'SIGTERM' | 'SIGKILL'): Row {
  return {
    title: `1,000 workspaces of 64 edits each after ${prepareEndsBy === 'SIGTERM' ? 'a stop (snapshots)' : 'a kill (records only)'}`,
    work: (scale) => {
      const size = { rooms: scale === 'full' ? 1_000 : 20, editsPerRoom: 64 }
      return { prepare: { kind: 'typeRooms', ...size }, prepareEndsBy, work: { kind: 'recover', ...size } }
    },
    peers: ['joinery', 'stored'],
    lines: [
      { title: 'start to listening', unit: 'ms', pick: (figures) => figures.startMs, bounds: [] },
      {
        title: 'then to all content, everywhere',
        unit: 'ms',
        pick: (figures) => figures.recoveryMs,
        bounds: [{ atMost: 2, times: 'stored' }],
      },
      { title: 'CPU of that', unit: 'ms', pick: (figures) => figures.recoveryCpuMs, bounds: [] },
    ],
  }
}

const EVERYBODY = ['joinery', 'relay', 'y-websocket', 'hocuspocus'] as const

export const ROW_NAMES = [
  'large-rooms',
  'small-rooms',
  'history',
  'connections',
  'steady',
  'cold-sync',
  'cold-sync-20',
  'idle',
  'recovery',
  'recovery-killed',
] as const
export type RowName = (typeof ROW_NAMES)[number]

export const ROWS: Readonly<Record<RowName, Row>> = {
  'large-rooms': {
    title: 'large rooms: 2 of 100 clients, 4 write 500 edits each',
    work: (scale) => ({
      work:
        scale === 'full'
          ? { kind: 'fanOut', rooms: 2, clients: 100, writers: 4, editsPerWriter: 500, pace: { window: 64 } }
          : { kind: 'fanOut', rooms: 2, clients: 20, writers: 4, editsPerWriter: 100, pace: { window: 64 } },
    }),
    peers: EVERYBODY,
    lines: [
      {
        title: 'CPU per delivery',
        unit: 'µs',
        pick: (figures) => figures.cpuMicrosPerDelivery,
        bounds: [{ atMost: 0.6 }, { atMost: 0.4, times: 'hocuspocus' }],
      },
    ],
  },
  'small-rooms': {
    title: 'small rooms: 200 of 3 clients, 1 writes 100 edits',
    work: (scale) => ({
      work:
        scale === 'full'
          ? { kind: 'fanOut', rooms: 200, clients: 3, writers: 1, editsPerWriter: 100, pace: { window: 64 } }
          : { kind: 'fanOut', rooms: 20, clients: 3, writers: 1, editsPerWriter: 100, pace: { window: 64 } },
    }),
    peers: EVERYBODY,
    lines: [
      {
        title: 'CPU per edit',
        unit: 'µs',
        pick: (figures) => figures.cpuMicrosPerEdit,
        bounds: [{ atMost: 45 }, { atMost: 0.4, times: 'hocuspocus' }, { atMost: 0.5, times: 'y-websocket' }],
      },
    ],
  },
  history: {
    title: 'one history of 259,778 edits through one socket',
    work: (scale, traceFile) => ({
      work: { kind: 'history', ...historyOf(scale, traceFile) },
      edits: scale === 'short' ? SHORT_EDITS : HISTORY_EDITS,
    }),
    // The others need minutes of CPU for it; name them to see.
    peers: ['joinery'],
    lines: [
      {
        title: 'CPU per edit',
        unit: 'µs',
        pick: (figures) => figures.cpuMicrosPerEdit,
        bounds: [{ atMost: 30 }],
      },
      {
        title: 'on the disk per edit, all history',
        unit: 'bytes',
        pick: (figures) => figures.diskBytesPerEdit,
        bounds: [{ atMost: 12 }],
      },
    ],
  },
  connections: {
    title: 'connections: 3,000 to 1,000 rooms',
    work: (scale) => ({
      work:
        scale === 'full'
          ? { kind: 'connect', rooms: 1_000, connections: 3_000 }
          : { kind: 'connect', rooms: 100, connections: 300 },
    }),
    peers: EVERYBODY,
    lines: [
      {
        title: 'CPU per connection',
        unit: 'µs',
        pick: (figures) => figures.cpuMicrosPerConnection,
        bounds: [{ atMost: 1.4, times: 'relay' }],
      },
      {
        title: 'memory per connection',
        unit: 'KiB',
        pick: (figures) => figures.memoryKiBPerConnection,
        bounds: [{ atMost: 24 }],
      },
    ],
  },
  steady: {
    title: 'steady typing: 10 rooms of 20, 2 write 40 edits/s each',
    work: (scale) => ({
      work: {
        kind: 'fanOut',
        rooms: 10,
        clients: 20,
        writers: 2,
        editsPerWriter: scale === 'full' ? 600 : 80,
        pace: { editsPerSecond: 40 },
        warmUpEdits: scale === 'full' ? 600 : 8,
      },
    }),
    peers: EVERYBODY,
    lines: [
      {
        title: 'latency, median',
        unit: 'ms',
        pick: (figures) => figures.latencyP50Ms,
        bounds: [{ atMost: 1, times: 'relay' }],
      },
      {
        title: 'latency, 99 of 100',
        unit: 'ms',
        pick: (figures) => figures.latencyP99Ms,
        bounds: [{ atMost: 1, times: 'relay' }],
      },
      {
        title: 'CPU per delivery',
        unit: 'µs',
        pick: (figures) => figures.cpuMicrosPerDelivery,
        bounds: [
          { atMost: 1.3, times: 'relay' },
          { atMost: 1, times: 'hocuspocus' },
        ],
      },
    ],
  },
  'cold-sync': coldSyncTo(1),
  'cold-sync-20': coldSyncTo(20),
  idle: {
    title: 'idle: 10,000 stored workspaces, one connection each',
    work: (scale) => {
      const rooms = scale === 'full' ? 10_000 : 100
      return {
        prepare: { kind: 'fillRooms', rooms },
        work: { kind: 'connect', rooms, connections: rooms, leaveMs: scale === 'full' ? 45_000 : 0 },
      }
    },
    peers: ['joinery', 'relay'],
    lines: [
      { title: 'memory before', unit: 'MiB', pick: (figures) => figures.memoryMiBBefore, bounds: [] },
      {
        title: 'memory per workspace',
        unit: 'KiB',
        pick: (figures) => figures.memoryKiBPerConnection,
        bounds: [{ atMost: 1.5, times: 'relay' }],
      },
      {
        title: 'memory kept after all have left',
        unit: 'MiB',
        pick: (figures) => figures.memoryMiBAfterLeaving,
        bounds: [{ atMost: 20 }],
      },
    ],
  },
  recovery: recoveryAfter('SIGTERM'),
  'recovery-killed': recoveryAfter('SIGKILL'),
}
