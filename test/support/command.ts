import { fileURLToPath } from 'node:url'
import { type Child, type Exit, startChild } from './child-process.ts'

const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))

/** The end of a command. `output` is stdout and stderr in the order of arrival. */
export interface Ran {
  readonly exit: Exit
  readonly output: string
  readonly stdout: string
}

/** Starts `joinery`, without this process's own data directory. */
export function startCommand(...args: readonly string[]): Child {
  return startChild({ args: [MAIN, ...args], env: { JOINERY_DATA: undefined } })
}

/** Runs `joinery` to its end. */
export async function joinery(...args: readonly string[]): Promise<Ran> {
  const child = startCommand(...args)
  const exit = await child.exited
  return { exit, output: child.output(), stdout: child.stdout() }
}
