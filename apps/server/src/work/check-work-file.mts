import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { SagaShape } from '@joinery/protocol'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { secretVariables } from '../resources/resource-worker.mts'
import { spawnWorker } from './worker-process.mts'

/** Longest time that a file of sagas may take to load, ms. */
const LOAD_MS = 60_000

const said = z.object({ sagas: z.array(z.custom<SagaShape>((value) => typeof value === 'object')) })
/** The message of a process that has loaded a file of sagas to the one that has started it. */
export type SaidSagas = z.infer<typeof said>

/**
 * Loads a file of sagas in a process of its own, as the server's worker will. Resolves with its sagas, as the worker will announce them.
 * Rejects with {@link AppError} `start` that names the file and the fault.
 */
export async function checkWorkFile(file: string): Promise<readonly SagaShape[]> {
  const child = spawnWorker(['--check', file], '', secretVariables(process.env))
  let sagas: readonly SagaShape[] | undefined
  child.on('message', (message) => {
    // The code of the file may say something, too.
    sagas = said.safeParse(message).data?.sagas ?? sagas
  })
  // Messages may come after the exit, and none after the end of the channel.
  const exited = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  const timer = setTimeout(() => child.kill('SIGKILL'), LOAD_MS)
  try {
    const { stdout, stderr } = child as { stdout: Readable; stderr: Readable }
    const [[[code, signal]], faults] = await Promise.all([exited, text(stderr), text(stdout)])
    if (code === 0 && sagas !== undefined) return sagas
    const lines = faults.split('\n').filter((line) => line !== '')
    const known = lines.findLast((line) => line.startsWith('joinery: '))
    const how = signal === null ? `it ended its process with exit code ${code}` : `its process was ended by ${signal}`
    throw new AppError('start', `--work: ${known?.slice('joinery: '.length) ?? `${file} can't be loaded: ${how}`}`)
  } finally {
    clearTimeout(timer)
  }
}
