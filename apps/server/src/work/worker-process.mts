import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/**
 * Starts `joinery work` in a process that ends with this one, however this one ends, and that does not get the server's keys.
 *
 * @param without further variables of the environment that the process does not get
 */
export function spawnWorker(args: readonly string[], token = '', without: readonly string[] = []): ChildProcess {
  // A server's secrets are no business of the code of sagas.
  const hidden = new Set(['JOINERY_JWT_SECRET', 'JOINERY_JWKS', ...without])
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.has(name)))
  return spawn(process.execPath, [MAIN, 'work', ...args], {
    // The channel makes the worker end with this process, however that ends.
    env: { ...environment, JOINERY_LAUNCHED: '1', JOINERY_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}
