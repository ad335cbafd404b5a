import { type ChildProcess, spawn } from 'node:child_process'
import { constants, getPriority, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Added to the process's nice value: where processors are few, the server answers people first. */
const NICENESS = 5

/**
 * Starts `joinery work` in a process that gives way to this one, that ends with this one, however this one ends, and that does not get the server's keys.
 *
 * @param without further variables of the environment that the process does not get
 */
export function spawnWorker(args: readonly string[], token = '', without: readonly string[] = []): ChildProcess {
  // A server's secrets are no business of the code of sagas.
  const hidden = new Set(['JOINERY_JWT_SECRET', 'JOINERY_JWKS', ...without])
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.has(name)))
  const child = spawn(process.execPath, [MAIN, 'work', ...args], {
    // The channel makes the worker end with this process, however that ends.
    env: { ...environment, JOINERY_LAUNCHED: '1', JOINERY_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // In the turn of its start: the threads that it makes later have the value, too.
  if (child.pid !== undefined) {
    setPriority(child.pid, Math.min(getPriority() + NICENESS, constants.priority.PRIORITY_LOW))
  }
  return child
}
