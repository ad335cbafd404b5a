import type { Exit } from '../support/child-process.ts'
import type { JoineryProcess } from '../support/joinery-process.ts'
import { SLOWNESS_MAX } from '../support/patience.ts'

/** T21: how long a server that is told to stop may take on a quiet machine. */
const DRAIN_MS_MAX = 10_000

/** Sends SIGTERM to a server and resolves with how it ended. A server that takes longer than T21 allows is killed. */
export async function stopInTime({ child }: JoineryProcess): Promise<Exit> {
  const kill = setTimeout(() => void child.end('SIGKILL'), SLOWNESS_MAX * DRAIN_MS_MAX)
  try {
    return await child.end('SIGTERM')
  } finally {
    clearTimeout(kill)
  }
}
