import { readProcessUsage } from './process-usage.ts'

/** Time and resources between start and stop. */
export interface Lap {
  /** CPU time of the server process. */
  readonly cpuMicros: number
  readonly wallSeconds: number
  readonly loadCpuSeconds: number
}

/** Starts measuring a server process, the wall clock and this process. */
export function startStopwatch(pid: number): { stop(): Lap } {
  const startMs = performance.now()
  const startUsage = readProcessUsage(pid)
  const startLoad = process.cpuUsage()
  return {
    stop() {
      const load = process.cpuUsage(startLoad)
      return {
        cpuMicros: readProcessUsage(pid).cpuMicros - startUsage.cpuMicros,
        wallSeconds: (performance.now() - startMs) / 1000,
        loadCpuSeconds: (load.user + load.system) / 1e6,
      }
    },
  }
}
