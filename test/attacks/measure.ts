import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseResident } from '../bench/load/process-usage.ts'
import { type Child, startChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { SECRET } from '../support/tokens.ts'
import { type BystanderLatency, BystanderLoad } from './bystander-load.ts'

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url))
/** MB of the server's heap: what a small machine gives it. */
const HEAP_MB = 1_024
const LOOK_MS = 100
/** Time that an attacker may take to end, seconds: it has the lowest priority. */
const OVERDUE_SECONDS = 60

export interface Figures {
  readonly before: BystanderLatency
  readonly during: BystanderLatency
  readonly after: BystanderLatency
  /** Resident memory of the server, MiB. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number }
  /** The answers to the attacker, and how often each came. */
  readonly told: Readonly<Record<string, number>>
  /** All that the bystander lost or was refused. Empty if all is well. */
  readonly lost: readonly string[]
  /** How the server ended, with its last lines; undefined if it lives. */
  readonly died: string | undefined
}

export interface Times {
  readonly beforeSeconds: number
  readonly attackSeconds: number
  readonly afterSeconds: number
}

/** Resident memory of a process, MiB; NaN for one that has ended. */
export function residentMiB(child: Child): number {
  const status = existsSync(`/proc/${child.pid}`) ? readFileSync(`/proc/${child.pid}/status`, 'utf8') : ''
  // A process that is ending, or whose end nobody has taken note of yet, has no memory any more.
  return status.includes('VmRSS:') ? parseResident(status) / 1024 : Number.NaN
}

/** A server with keys and a heap of 1 GB. */
export function startAttacked(directory: string, port: number): Promise<JoineryProcess> {
  const env = { JOINERY_JWT_SECRET: SECRET, JOINERY_LOG_LEVEL: 'error' }
  return startJoinery({
    directory,
    port,
    env,
    nodeArgs: [`--max-old-space-size=${HEAP_MB}`],
  })
}

/** Place of the scheduling policy in `/proc/PID/stat`, behind the name of the process, and the number of a real-time one (`chrt -r`). */
const POLICY_AT = 38
const ROUND_ROBIN = '2'

/**
 * The machine of an attacker is not the server's. Here both share the cores, so the attacker gets what is left, also when all of this runs
 * under a real-time policy, which knows no nice values.
 */
function lessUrgent(args: readonly string[]): { command: string; args: readonly string[] } {
  const stat = existsSync('/proc/self/stat') ? readFileSync('/proc/self/stat', 'utf8') : ''
  const policy = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[POLICY_AT]
  return policy === ROUND_ROBIN
    ? { command: 'chrt', args: ['-r', '1', ...args] }
    : { command: 'nice', args: ['-n', '19', ...args] }
}

/** Runs an attack in a process of its own. Resolves with what the server told it. */
export async function attack(options: {
  name: string
  port: number
  seconds: number
  workspace: string
}): Promise<Record<string, number>> {
  const { name, port, seconds, workspace } = options
  const args = [process.execPath, ATTACKER, name, String(port), String(seconds), workspace]
  const child = startChild(lessUrgent(args))
  // An attacker that hangs is no harm to the server, but to the run. On a busy machine it gets little CPU, and ends late.
  let isOverdue = false
  const overdue = setTimeout(
    () => {
      isOverdue = true
      void child.end('SIGKILL')
    },
    (seconds + OVERDUE_SECONDS) * 1_000,
  )
  const exit = await child.exited
  clearTimeout(overdue)
  if (isOverdue)
    return { [`the attacker had too little CPU to end in time, or hangs: ${child.output().slice(-300)}`]: 1 }
  if (exit.code !== 0) return { [`the attacker ended: ${JSON.stringify(exit)} ${child.output().slice(-300)}`]: 1 }
  return JSON.parse(child.stdout().trim().split('\n').at(-1) ?? '{}') as Record<string, number>
}

/** Highest resident memory until it is stopped, MiB. */
export function watchMemory(child: Child): { stop(): number } {
  let peak = 0
  const timer = setInterval(() => {
    const now = residentMiB(child)
    if (now > peak) peak = now
  }, LOOK_MS)
  return {
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}

/** Starts a server with people at work in it, attacks it, and starts it again to see what is on the disk. */
export async function measureAttack(name: string, times: Times): Promise<Figures> {
  await using directory = await tempDirectory()
  const port = await freePort()
  const server = await startAttacked(directory.path, port)
  let exit: string | undefined
  void server.child.exited.then((how) => {
    exit = `${JSON.stringify(how)} ${server.child.output().slice(-2_000)}`
  })
  const ended = server.child.exited
  const people = await BystanderLoad.open({ port, ended })
  try {
    // The first second compiles code.
    await sleep(1_000)
    people.begin()
    await sleep(times.beforeSeconds * 1_000)
    const before = people.latency()
    const memoryBefore = residentMiB(server.child)
    people.begin()
    const memory = watchMemory(server.child)
    const told = await attack({ name, port, seconds: times.attackSeconds, workspace: `mallory-${name}` })
    const during = people.latency()
    const peak = memory.stop()
    people.begin()
    await sleep(times.afterSeconds * 1_000)
    const after = people.latency()
    const memoryAfter = residentMiB(server.child)
    const figures = { before, during, after, told, memory: { before: memoryBefore, peak, after: memoryAfter } }
    if (exit !== undefined) return { ...figures, died: exit, lost: people.refused }
    const lost = await people.finish(ended)
    if (exit !== undefined) return { ...figures, died: exit, lost: [...people.refused, ...lost] }
    await server.child.end('SIGTERM')
    await using again = await startAttacked(directory.path, port)
    const afterRestart = (await people.missing(again.child.exited)).map((what) => `after a restart: ${what}`)
    await again.child.end('SIGTERM')
    return { ...figures, died: undefined, lost: [...people.refused, ...lost, ...afterRestart] }
  } finally {
    await people[Symbol.asyncDispose]()
    await server.child.end('SIGKILL')
  }
}
