import type { Saga } from '@joinery/worker'
import type { AdapterSagasOptions } from './adapter-calls.ts'
import { batchSaga } from './batch-saga.ts'
import { observeSaga } from './observe-saga.ts'
import { runSaga } from './run-saga.ts'

/** The sagas of an adapter: one for runs of its machine, one that looks at a resource after news of it, and one for many runs at once. */
export function sagasOf(options: AdapterSagasOptions): Saga[] {
  return [runSaga(options), observeSaga(options), batchSaga(options)]
}
