import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'

/** A container may forbid root to mount and to trace. No package that is installed would help. */
const FORBIDDEN = /not permitted|permission denied|must be superuser/i

/**
 * Skips the test, and says so, on a machine that lacks `need`; `reason` is the error of the attempt. Where all tools are
 * installed (`.ci/run` sets `JOINERY_HAS_TOOLS`), only a missing right skips the test. Anything else fails it.
 */
export function skipForWant(context: TestContext, need: string, reason: unknown): never {
  const why = `needs ${need}: ${String(reason).trim()}`
  if (process.env.JOINERY_HAS_TOOLS !== undefined && !FORBIDDEN.test(why)) throw new Error(why)
  console.warn(`SKIPPED: ${why}`)
  context.skip(why)
}

/** Skips the test, and says so, where there is no such command. */
export async function needCommand(context: TestContext, command: string): Promise<void> {
  try {
    await promisify(execFile)(command, ['--version'])
  } catch (error) {
    skipForWant(context, command, error)
  }
}
