import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'

const TRACER = 'strace'
/** Errors of a container that forbids tracing to everything in it, root too: installing the tracer would not help. */
const FORBIDDEN = /not permitted|permission denied/i
/** System calls by which a process changes a file system, or makes a change last. */
export const STORAGE_CALLS = [
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'ftruncate', 'fallocate', 'copy_file_range'],
  ...['fsync', 'fdatasync', 'sync_file_range', 'openat', 'rename', 'renameat', 'renameat2', 'link', 'linkat'],
  ...['unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir'],
] as const
/** Names of the files that LevelDB makes in such a short life, and ours. Files for people to read are left out. */
const FILES_MAX = 60
const FILES = [
  ...['.', 'JOINERY', 'JOINERY.draft', 'CLOSED', 'CLOSED.draft', 'CURRENT'],
  ...Array.from({ length: FILES_MAX }, (_, n) => String(n + 1).padStart(6, '0')).flatMap((number) => [
    ...[`${number}.log`, `${number}.ldb`, `${number}.dbtmp`, `MANIFEST-${number}`],
  ]),
]

/** The nth call of this kind (from 1) that a program makes on this file of its directory. */
export interface StorageCall {
  readonly call: string
  readonly file: string
  readonly nth: number
}

/** How a traced program ended, and what it printed. */
export interface Ran {
  readonly isKilled: boolean
  readonly output: string
}

/**
 * Skips the test, with the reason, where system calls can't be traced. Where all tools are there (`JOINERY_HAS_TOOLS`
 * is set) it fails instead, unless tracing is forbidden.
 */
export async function needTracing(context: TestContext): Promise<void> {
  try {
    await promisify(execFile)(TRACER, ['-f', '-qq', '-o', '/dev/null', 'true'])
  } catch (error) {
    const why = `needs ${TRACER} and the right to trace: ${String(error).trim()}`
    if (process.env.JOINERY_HAS_TOOLS !== undefined && !FORBIDDEN.test(why)) throw new Error(why, { cause: error })
    console.warn(`SKIPPED: ${why}`)
    context.skip(why)
  }
}

/**
 * Runs `program` (arguments of Node) to its end, and returns every call that it made on files of `directory`, in order.
 */
export async function traceStorageCalls(directory: string, program: readonly string[], traced: string) {
  const watched = FILES.flatMap((file) => ['-P', join(directory, file)])
  const { isKilled, output } = await runTraced(
    ['-y', '-o', traced, ...watched, '-e', `trace=${STORAGE_CALLS.join(',')}`],
    program,
  )
  if (isKilled) throw new Error(`${program.join(' ')} was killed by somebody else`)
  const counts = new Map<string, number>()
  const calls: StorageCall[] = []
  for (const line of (await readFile(traced, 'utf8')).split('\n')) {
    const found = parseCall(line, directory)
    if (found === undefined) continue
    const nth = (counts.get(`${found.call} ${found.file}`) ?? 0) + 1
    counts.set(`${found.call} ${found.file}`, nth)
    calls.push({ ...found, nth })
  }
  return { calls, output }
}

/** Runs `program` and kills it as it makes this call. If it never makes the call, it ends by itself. */
export function killAt({ call, file, nth }: StorageCall, directory: string, program: readonly string[]): Promise<Ran> {
  const injected = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${nth}`]
  return runTraced(['-o', '/dev/null', '-P', join(directory, file), ...injected], program)
}

/** Runs `program` (arguments of Node) under the tracer, until it ends or is killed. */
export async function runTraced(options: readonly string[], program: readonly string[]): Promise<Ran> {
  // With a single thread for all of Node's own work on files, the calls of that thread come in the same order every
  // time.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn(TRACER, ['-f', '-qq', ...options, process.execPath, ...program], { env })
  child.stdin.end()
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const [output, complaint, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${program.join(' ')} ended with ${code}: ${complaint}`)
  return { isKilled: signal === 'SIGKILL', output }
}

/** Parses a line of strace. Gives undefined for the second half of a line that another thread came between. */
function parseCall(line: string, directory: string): { call: string; file: string } | undefined {
  const [, call, first = ''] = /^\d+ +(\w+)\((.*)/.exec(line) ?? []
  if (call === undefined) return undefined
  const path = /^\d+<([^>]*)>/.exec(first)?.[1] ?? /"([^"]*)"/.exec(first)?.[1]
  if (path === undefined) throw new Error(`a call on no file: ${line}`)
  return { call, file: path === directory ? '.' : basename(path) }
}
