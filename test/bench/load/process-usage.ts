import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Resources that a process has used, as the kernel says. */
export interface ProcessUsage {
  /** User and system time of all its threads since its start, µs. */
  readonly cpuMicros: number
  /** Resident memory, KiB. */
  readonly residentKiB: number
}

/** Linux's USER_HZ, the unit of /proc/PID/stat, is 100 on every architecture Node runs on. */
const MICROS_PER_TICK = 10_000

/** CPU time from the text of /proc/PID/stat, µs, in steps of a tick. */
export function parseStatCpu(stat: string): number {
  // The name in brackets may hold spaces and brackets itself, so count fields from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return finite((Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK, 'stat')
}

/** CPU time from the texts of /proc/PID/task/TID/schedstat, µs, in steps of a nanosecond. */
export function parseSchedulerCpu(schedstats: readonly string[]): number {
  const nanos = schedstats.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0)
  return finite(nanos / 1000, 'schedstat')
}

/** Resident memory from the text of /proc/PID/status, KiB. */
export function parseResident(status: string): number {
  return finite(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]), 'status')
}

function finite(value: number, file: string): number {
  if (!Number.isFinite(value)) throw new Error(`this kernel writes /proc/PID/${file} in another form`)
  return value
}

/** Reads a live process's usage; throws if it is gone or the machine has no /proc. */
export function readProcessUsage(pid: number): ProcessUsage {
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  const residentKiB = parseResident(read('status'))
  // A tick of 10 ms is a tenth of what the shortest row takes, so prefer the scheduler's own count where the kernel keeps
  // one. It forgets threads that have ended; a Node server's live as long as it does.
  if (!existsSync(`/proc/${pid}/schedstat`)) return { cpuMicros: parseStatCpu(read('stat')), residentKiB }
  const threads = readdirSync(`/proc/${pid}/task`)
  return { cpuMicros: parseSchedulerCpu(threads.map((thread) => read(`task/${thread}/schedstat`))), residentKiB }
}
