import type { TestContext } from 'vitest'
import { startChild } from './child-process.ts'
import { skipForWant } from './skip-for-want.ts'
import { within } from './until.ts'

const NEED = 'strace and the right to trace'

/** A fault of every fsync: it fails as on a dying disk, or takes `delayMs` longer. */
export type FsyncFault = { readonly error: 'EIO' } | { readonly delayMs: number }

/** A fault of the disk under one process, from now until {@link lift}. */
export interface BadFsync extends AsyncDisposable {
  lift(): Promise<void>
}

/** Makes fsyncs of a running process faulty, by strace. Skips the test, and says why, where there is no strace or no right to trace. */
export async function breakFsync(context: TestContext, pid: number, fault: FsyncFault): Promise<BadFsync> {
  const how = 'error' in fault ? `error=${fault.error}` : `delay_exit=${fault.delayMs * 1_000}`
  const args = ['-f', '-p', String(pid), '-e', 'trace=fdatasync,fsync', '-e', `inject=fdatasync,fsync:${how}`]
  const tracer = startTracer(context, args)
  const isAttached = async () => {
    while (!/ attached/.test(tracer.output())) {
      const exit = await Promise.race([tracer.exited, new Promise((resolve) => setTimeout(resolve, 5))])
      if (exit !== undefined) skipForWant(context, NEED, tracer.output())
    }
  }
  await within('strace is attached', isAttached())
  const lift = async (): Promise<void> => void (await tracer.end('SIGINT'))
  return { lift, [Symbol.asyncDispose]: lift }
}

function startTracer(context: TestContext, args: readonly string[]) {
  try {
    return startChild({ command: 'strace', args })
  } catch (error) {
    return skipForWant(context, NEED, error)
  }
}
