import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Starts `joinery work` in a process that ends with this one, however this one ends, and that does not get the server's keys. */
export function spawnWorker(args: readonly string[], token = ''): ChildProcess {
  // A server's secrets are no business of the code of sagas.
  const { JOINERY_JWT_SECRET: _secret, JOINERY_JWKS: _jwks, ...environment } = process.env
  return spawn(process.execPath, [MAIN, 'work', ...args], {
    // The channel makes the worker end with this process, however that ends.
    env: { ...environment, JOINERY_LAUNCHED: '1', JOINERY_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}
