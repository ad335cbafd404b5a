import { constants, getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'
import { makeServerDoc } from '../server-doc.ts'
import { visitUpdate } from '../struct-spans.ts'
import { splitUpdate } from '../update-parts.ts'
import { splitTried, type TrialAnswer, type TrialRequest, unitBytesOf } from './trial-protocol.ts'

/*
 * A program for a worker thread: loads documents and tries updates on them, and says what that costs. Endless work and a full heap
 * happen to this thread alone.
 */

/** Added to the thread's nice value: the threads that serve people come first. On Linux the value is a thread's own. */
const NICENESS = 5

setPriority(Math.min(getPriority() + NICENESS, constants.priority.PRIORITY_LOW))

let doc = makeServerDoc()

function answer(request: TrialRequest): Omit<TrialAnswer, 'cpuMs'> {
  switch (request.type) {
    case 'begin':
      doc.destroy()
      doc = makeServerDoc()
      return {}
    case 'load':
      applyAll(doc, request.updates)
      return {}
    case 'try': {
      let unitMs = 0
      const { update, isWhole } = request
      const parts = isWhole ? undefined : splitTried(update)
      doc.transact(() => {
        for (const unit of parts?.flatMap((part) => splitUpdate(part, unitBytesOf(update))) ?? [update]) {
          const sinceMs = cpuMs()
          Y.applyUpdate(doc, unit)
          unitMs = Math.max(unitMs, cpuMs() - sinceMs)
        }
      })
      return { unitMs, structs: countStructs(update), ...(parts && { parts }) }
    }
    case 'reload': {
      const again = makeServerDoc()
      applyAll(again, [Y.encodeStateAsUpdate(doc)])
      again.destroy()
      return {}
    }
  }
}

function countStructs(update: Uint8Array): number {
  let structs = 0
  visitUpdate(update, { struct: () => structs++ })
  return structs
}

function applyAll(target: Y.Doc, updates: readonly Uint8Array[]): void {
  target.transact(() => {
    for (const update of updates) Y.applyUpdate(target, update)
  })
}

/** CPU time of this thread, ms: unlike the time of day it does not grow while others use the machine. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

parentPort?.on('message', (request: TrialRequest) => {
  const sinceMs = cpuMs()
  try {
    const answered = answer(request)
    parentPort?.postMessage({ ...answered, cpuMs: cpuMs() - sinceMs } satisfies TrialAnswer)
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error)
    parentPort?.postMessage({ failed, cpuMs: cpuMs() - sinceMs } satisfies TrialAnswer)
  }
})
