import { constants, getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { LogError } from '@joinery/log'
import type { LoadAnswer, LoadData, LoadRequest } from './load-protocol.mts'
import { loadHere, type SyncLoad } from './trial-load.mts'

/*
 * A program for a worker thread: loads workspaces on trial. Endless work and a full heap happen to this thread alone.
 */

/** Added to the thread's nice value: the threads that serve people come first. On Linux the value is a thread's own. */
const NICENESS = 5

const { lsn: now } = workerData as LoadData
setPriority(Math.min(getPriority() + NICENESS, constants.priority.PRIORITY_LOW))

let load: SyncLoad | undefined

function answer(request: LoadRequest): void {
  switch (request.type) {
    case 'begin': {
      const { msMax, heapBytesMax } = request
      // First of all: the document before is garbage then.
      load = undefined
      const onUpdate = (lsn: number): void => {
        now[0] = lsn
      }
      load = loadHere({ msMax, heapBytesMax, onUpdate })
      return
    }
    case 'add':
      for (const { update, lsn } of request.updates) load?.add(update, lsn)
      return
    case 'finish':
      load?.finish()
      load = undefined
  }
}

parentPort?.on('message', (request: LoadRequest) => {
  const answered: LoadAnswer = {}
  try {
    answer(request)
    parentPort?.postMessage(answered)
  } catch (error) {
    load = undefined
    if (!(error instanceof LogError)) throw error
    const { code, message, lsn } = error
    parentPort?.postMessage({ failed: { code, message, lsn } } satisfies LoadAnswer)
  }
})
