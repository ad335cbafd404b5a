import { readProcessUsage } from '../load/process-usage.ts'
import type { FleetTarget } from './cluster-job.ts'

/** CPU time of a fleet between two moments, µs. */
export interface FleetCpu {
  /** One figure for each node. */
  readonly nodes: readonly number[]
  /** The sum over all processes of the engine. */
  readonly engine: number
}

/** Starts to measure the CPU time of a fleet. The returned function tells what it has used since. */
export function watchCpu({ nodePids, enginePids }: FleetTarget): () => FleetCpu {
  const read = (pids: readonly number[]): number[] => pids.map((pid) => readProcessUsage(pid).cpuMicros)
  const [nodesBefore, engineBefore] = [read(nodePids), read(enginePids)]
  return () => ({
    nodes: read(nodePids).map((micros, n) => micros - (nodesBefore[n] ?? 0)),
    engine: sum(read(enginePids)) - sum(engineBefore),
  })
}

/** Resident memory of processes, MiB. */
export function residentMiB(pids: readonly number[]): number {
  return sum(pids.map((pid) => readProcessUsage(pid).residentKiB)) / 1024
}

export function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
