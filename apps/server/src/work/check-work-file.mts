import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { AppError } from '../app-error.mts'
import { secretVariables } from '../resources/resource-worker.mts'
import { spawnWorker } from './worker-process.mts'

/** Longest time that a file of sagas may take to load, ms. */
const LOAD_MS = 60_000

/**
 * Loads a file of sagas in a process of its own, as the server's worker will. Rejects with {@link AppError} `start` that names the file
 * and the fault.
 */
export async function checkWorkFile(file: string): Promise<void> {
  const child = spawnWorker(['--check', file], '', secretVariables(process.env))
  const exited = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), LOAD_MS)
  try {
    const { stdout, stderr } = child as { stdout: Readable; stderr: Readable }
    const [[code, signal], said, faults] = await Promise.all([exited, text(stdout), text(stderr)])
    if (code === 0 && /^joinery can run: /m.test(said)) return
    const lines = faults.split('\n').filter((line) => line !== '')
    const known = lines.findLast((line) => line.startsWith('joinery: '))
    const how = signal === null ? `it ended its process with exit code ${code}` : `its process was ended by ${signal}`
    throw new AppError('start', `--work: ${known?.slice('joinery: '.length) ?? `${file} can't be loaded: ${how}`}`)
  } finally {
    clearTimeout(timer)
  }
}
