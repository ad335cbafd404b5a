import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'

/** A container may forbid to mount and to trace, even to root: nothing that could be installed would help. */
const FORBIDDEN = /not permitted|permission denied|must be superuser/i

/**
 * Skips the test, out loud, on a machine that lacks what it needs; `reason` is what the attempt came to. Where
 * all that can be installed is (`JOINERY_HAS_TOOLS` set, by `.ci/run`), only rights may be lacking: anything else fails
 * the test.
 */
export function skipForWant(context: TestContext, need: string, reason: unknown): never {
  const why = `needs ${need}: ${String(reason).trim()}`
  if (process.env.JOINERY_HAS_TOOLS !== undefined && !FORBIDDEN.test(why)) throw new Error(why)
  console.warn(`SKIPPED: ${why}`)
  context.skip(why)
}

/** Skips the test, out loud, where there is no such command. */
export async function needCommand(context: TestContext, command: string): Promise<void> {
  try {
    await promisify(execFile)(command, ['--version'])
  } catch (error) {
    skipForWant(context, command, error)
  }
}
