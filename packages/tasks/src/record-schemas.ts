import { jsonCodec } from '@joinery/log'
import { FAILURE_CLASSES, type Json } from '@joinery/protocol'
import { z } from 'zod'
import type { JournalEvent } from './task-event.ts'

/** JSON.parse gives nothing but JSON: a value must only be there. */
export const json = z.custom<Json>((value) => value !== undefined)

const count = z.int().min(0)
const ms = z.number()

const retry = z.object({ attempts: z.number(), firstMs: ms, maxMs: ms })
const stepShape = z.object({
  name: z.string(),
  kind: z.enum(['step', 'each', 'sleep', 'signal']),
  hasUndo: z.boolean().optional(),
  concurrency: z.number().optional(),
  retry: retry.optional(),
  timeoutMs: ms.optional(),
  giveUpAfterMs: ms.optional(),
  scheduleMs: ms.optional(),
  sleepMs: ms.optional(),
  isPivot: z.boolean().optional(),
  onFailure: z.enum(['compensate', 'continue', 'wait']).optional(),
  onUndoFailure: z.enum(['continue', 'stop']).optional(),
  effect: z.literal('at_most_once').optional(),
  cancelGraceMs: ms.optional(),
  host: z.string().optional(),
  follows: z.string().optional(),
  tells: z.string().optional(),
})
export const sagaShape = z.object({
  name: z.string(),
  version: z.number(),
  digest: z.string(),
  steps: z.array(stepShape),
  accepts: z.array(z.number()).optional(),
  deadlineMs: ms.optional(),
  inputSchema: json.optional(),
  hasSubject: z.boolean().optional(),
})

export const subject = z.object({ block: z.string(), name: z.string() })
export const by = z.object({ actor: z.string(), source: z.string() })
export const kept = z.object({ block: z.string(), version: z.number(), by: z.string() })
export const item = z.object({ key: z.string(), value: json })
const failureClass = z.enum(FAILURE_CLASSES)
export const failure = z.object({ message: z.string(), class: failureClass })
export const stepFailure = z.object({ ...failure.shape, step: z.string().optional() })
export const turnWhy = z.enum(['failed', 'canceled', 'deadline'])
export const taskEnd = z.enum(['done', 'failed', 'compensated', 'compensated_partly', 'canceled'])

const task = z.string()
const target = { task, kind: z.enum(['plan', 'run', 'undo']), step: z.string().optional(), item: z.string().optional() }
const verdict = z.enum(['retry', 'failed', 'attention'])
const details = json.optional()

/** One event of a workspace's journal. */
const journalEvent: z.ZodType<JournalEvent> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('started'),
    ...{ task, saga: sagaShape, input: json, subject: subject.optional(), by, key: z.string().optional() },
    ...{ body: z.string(), traceparent: z.string().optional(), deadlineAt: ms.optional(), bytes: count },
  }),
  z.object({ type: z.literal('moved'), task, saga: sagaShape }),
  z.object({
    type: z.literal('leased'),
    ...target,
    attempt: count,
    worker: z.string(),
    nonce: z.string(),
    leaseMs: count.optional(),
  }),
  z.object({
    type: z.literal('done'),
    ...target,
    ...{ answer: z.string().optional(), result: json.optional(), subject: subject.optional() },
    ...{ items: z.array(item).optional(), kept: z.array(kept).optional(), touched: z.array(kept).optional() },
    ...{ record: count.optional(), signal: z.string().optional(), bytes: count },
  }),
  z.object({
    type: z.literal('failed'),
    ...target,
    ...{ error: failure, verdict, retryAt: ms.optional(), answer: z.string().optional(), details },
  }),
  z.object({
    type: z.literal('unsure'),
    ...target,
    ...{ why: z.enum(['lease_expired', 'server_restart', 'timed_out', 'canceled', 'copied']), verdict },
    ...{ retryAt: ms.optional(), details },
  }),
  z.object({ type: z.literal('released'), ...target }),
  z.object({ type: z.literal('woken'), ...target }),
  z.object({ type: z.literal('waiting'), task, step: z.string(), until: ms.optional() }),
  z.object({ type: z.literal('wrote'), task, record: count, touched: z.array(kept).optional() }),
  z.object({ type: z.literal('turned'), task, why: turnWhy, by: by.optional(), error: stepFailure.optional() }),
  z.object({ type: z.literal('overdue'), task }),
  z.object({ type: z.literal('retried'), task, by, deadlineAt: ms.optional() }),
  z.object({ type: z.literal('skipped'), task, step: z.string(), result: json, by, bytes: count }),
  z.object({
    type: z.literal('signaled'),
    ...{ task, name: z.string(), id: z.string(), payload: json, by, bytes: count },
  }),
  z.object({ type: z.literal('projected'), task, isUnprojected: z.boolean() }),
  z.object({ type: z.literal('ended'), task, state: taskEnd, error: stepFailure.optional(), by: by.optional() }),
  z.object({ type: z.literal('copied'), copy: z.string() }),
  z.object({ type: z.literal('resumed'), by }),
  z.object({ type: z.literal('swept'), tasks: z.array(task) }),
])

export const journalEvents = jsonCodec(journalEvent, 'a record of tasks')
