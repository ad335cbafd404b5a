import { readFileSync } from 'node:fs'

/** What the kernel says a process has used. */
export interface ProcessUsage {
  /** User and system time of all its threads since its start, µs; the kernel counts in ticks of 10,000 µs. */
  readonly cpuMicros: number
  /** Resident memory, KiB. */
  readonly residentKiB: number
}

/** Linux's USER_HZ, the unit of /proc/PID/stat, is 100 on every architecture Node runs on. */
const MICROS_PER_TICK = 10_000

/** Parses the texts of /proc/PID/stat and /proc/PID/status. */
export function parseProcessUsage(stat: string, status: string): ProcessUsage {
  // The name in brackets may hold spaces and brackets itself, so count fields from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const residentKiB = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  if (!Number.isFinite(ticks) || !Number.isFinite(residentKiB)) throw new Error('this kernel has another /proc format')
  return { cpuMicros: ticks * MICROS_PER_TICK, residentKiB }
}

/** Reads a live process's usage; throws if it is gone or the machine has no /proc. */
export function readProcessUsage(pid: number): ProcessUsage {
  return parseProcessUsage(readFileSync(`/proc/${pid}/stat`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'))
}
