import { fileURLToPath } from 'node:url'
import { type Exit, startChild } from './child-process.ts'

const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))

/** What a command came to. `output` is stdout and stderr as they came. */
export interface Ran {
  readonly exit: Exit
  readonly output: string
  readonly stdout: string
}

/** Runs `joinery` to its end; nothing of this process's own data directory leaks in. */
export async function joinery(...args: readonly string[]): Promise<Ran> {
  const child = startChild({ args: [MAIN, ...args], env: { JOINERY_DATA: undefined } })
  const exit = await child.exited
  return { exit, output: child.output(), stdout: child.stdout() }
}
