import { type Machine, makeMachine } from './machine.ts'

/** Priority of the sources that write about files, synchronised data, embeddings and tasks. */
const WORK_SOURCES = {
  user_action: 100,
  resources: 90,
  workflow_execution: 80,
  instantiation: 60,
  polling_sync: 40,
} as const
const REPORTERS = ['resources', 'polling_sync'] as const

const TRANSFER = {
  phases: [['pending'], ['syncing'], ['synced', 'failed']],
  ranks: ['pending', 'syncing', 'synced', 'failed'],
  sources: WORK_SOURCES,
  failures: ['failed'],
  stalls: ['syncing'],
  only: { synced: REPORTERS, failed: REPORTERS, stalled: REPORTERS },
} as const

/** An uploaded or downloaded file. */
export const FILE = makeMachine({ name: 'file@1', ...TRANSFER })
/** Data that is kept equal to a source elsewhere. */
export const SYNC = makeMachine({ name: 'sync@1', ...TRANSFER })
/** A vector index that an adapter builds. */
export const EMBEDDING = makeMachine({ name: 'embedding@1', ...TRANSFER })

const PROVIDER = ['provider'] as const
/** A payment at a provider. Only the provider says how it is. */
export const PAYMENT = makeMachine({
  name: 'payment@1',
  phases: [
    ['pending'],
    ['requires_action', 'processing'],
    ['authorized'],
    ['failed', 'canceled', 'captured'],
    ['partly_refunded'],
    ['refunded'],
    ['disputed'],
  ],
  // A payment that failed and was captured all the same is captured.
  ranks: [
    'pending',
    'requires_action',
    'processing',
    'authorized',
    'failed',
    'canceled',
    'captured',
    'partly_refunded',
    'refunded',
    'disputed',
  ],
  sources: { user_action: 100, provider: 90 },
  results: ['failed', 'canceled', 'captured', 'refunded', 'disputed'],
  failures: ['failed', 'canceled', 'disputed'],
  only: {
    requires_action: PROVIDER,
    processing: PROVIDER,
    authorized: PROVIDER,
    failed: PROVIDER,
    canceled: PROVIDER,
    captured: PROVIDER,
    partly_refunded: PROVIDER,
    refunded: PROVIDER,
    disputed: PROVIDER,
    stalled: PROVIDER,
  },
})

/** A durable task. One that waits, or needs attention, carries the flag `stalled`: it may come and go, and a status may not. */
export const TASK = makeMachine({
  name: 'task@1',
  phases: [
    ['queued'],
    ['running'],
    ['compensating'],
    ['done', 'failed', 'compensated', 'compensated_partly', 'canceled'],
  ],
  ranks: ['queued', 'running', 'compensating', 'done', 'canceled', 'compensated', 'compensated_partly', 'failed'],
  sources: WORK_SOURCES,
  failures: ['compensating', 'failed', 'compensated', 'compensated_partly', 'canceled'],
  stalls: ['running', 'compensating'],
  only: {
    compensating: REPORTERS,
    done: REPORTERS,
    failed: REPORTERS,
    compensated: REPORTERS,
    compensated_partly: REPORTERS,
    canceled: REPORTERS,
    stalled: REPORTERS,
  },
})

/** The machines that every server and every client of this version has. */
export const MACHINES: readonly Machine[] = [FILE, SYNC, EMBEDDING, PAYMENT, TASK] as unknown as readonly Machine[]
