import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { AppError } from '../app-error.mts'
import type { ServeConfig } from '../serve-config.mts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** A server in a process of its own, on a free port of this machine, in development mode. */
export interface ServerProcess {
  /** `ws://127.0.0.1:port`. */
  readonly url: string
  /** Drains the server. Resolves when its process is gone; rejects with {@link AppError} `failed` unless it ended with 0. */
  stop(): Promise<void>
}

/** Starts a server. Resolves when it takes connections; rejects with {@link AppError} `start` and its stderr if it ends before. */
export async function startServerProcess(
  dataDirectory: string,
  durability: ServeConfig['durability'],
): Promise<ServerProcess> {
  const { PATH, HOME } = process.env
  const args = ['serve', '--port', '0', '--data', dataDirectory, '--durability', durability, '--log-level', 'warn']
  const child = spawn(process.execPath, [MAIN, ...args], {
    // The channel makes the server end with this process, however that ends. The environment must not configure the server.
    env: { PATH, HOME, JOINERY_LAUNCHED: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const url = await listening(child, () => complaints)
  return {
    url,
    stop: async () => {
      const hasExited = child.exitCode !== null || child.signalCode !== null
      if (!hasExited) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      if (child.exitCode !== 0) {
        throw new AppError(
          'failed',
          `the server ended with ${child.exitCode ?? child.signalCode}: ${complaints.trim()}`,
        )
      }
    },
  }
}

function listening(child: ChildProcess, complaints: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const url = /listening on http(:\/\/\S+)/.exec(said)?.[1]
      if (url !== undefined) resolve(`ws${url}`)
    })
    child.once('error', reject)
    child.once('exit', () => reject(new AppError('start', `the server did not start: ${complaints().trim()}`)))
  })
}
