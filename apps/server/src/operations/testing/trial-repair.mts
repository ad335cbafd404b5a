import { type EventStore, openLevelStore } from '@joinery/log'
import type { TrialLoad } from '@joinery/log/operations'
import { onTestFinished } from 'vitest'
import type { RepairOutcome } from '../operator.mts'
import { repairStore } from '../repair-store.mts'
import { loadHere } from '../trial-load.mts'

/** The small records of `makeCostlyData` take some ms, the costly one takes seconds. */
export const LOAD_MS_MAX = 400

export const loadWithin = (): TrialLoad => loadHere({ msMax: LOAD_MS_MAX })

/** Opens the log of a data directory until the test ends. */
export async function openLog(directory: string): Promise<EventStore> {
  const store = await openLevelStore({ directory, durability: 'async' })
  onTestFinished(() => store.close())
  return store
}

export interface RepairChoice {
  readonly isMeant?: boolean
  readonly signal?: AbortSignal
  readonly load?: (workspace: string) => TrialLoad
}

/** Repairs the workspace `demo`, or looks at it, as `joinery repair` does. */
export function repairDemo(
  store: EventStore,
  directory: string,
  { isMeant = true, signal, load = loadWithin }: RepairChoice = {},
): Promise<RepairOutcome> {
  const alone = <T,>(_workspace: string, work: () => Promise<T>): Promise<T> => work()
  return repairStore(store, 'demo', { directory, isMeant, signal, load, alone })
}
