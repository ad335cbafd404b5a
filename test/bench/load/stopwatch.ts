import { readProcessUsage } from './process-usage.ts'

/** Time and resources between start and stop. */
export interface Lap {
  /** CPU time of the server process. */
  readonly cpuMicros: number
  /** CPU time of each of the other processes. */
  readonly besideCpuMicros: readonly number[]
  readonly wallSeconds: number
  readonly loadCpuSeconds: number
}

/** Starts measuring a server process, other processes beside it, the wall clock and this process. */
export function startStopwatch(pid: number, beside: readonly number[] = []): { stop(): Lap } {
  const startMs = performance.now()
  const startUsage = readProcessUsage(pid)
  const startBeside = beside.map((other) => readProcessUsage(other).cpuMicros)
  const startLoad = process.cpuUsage()
  return {
    stop() {
      const load = process.cpuUsage(startLoad)
      return {
        cpuMicros: readProcessUsage(pid).cpuMicros - startUsage.cpuMicros,
        besideCpuMicros: beside.map((other, n) => readProcessUsage(other).cpuMicros - (startBeside[n] ?? 0)),
        wallSeconds: (performance.now() - startMs) / 1000,
        loadCpuSeconds: (load.user + load.system) / 1e6,
      }
    },
  }
}
