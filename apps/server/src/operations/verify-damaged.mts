import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { DirectoryReport } from '@joinery/log/operations'

const CHILD = fileURLToPath(new URL('./verify-child.mts', import.meta.url))

/**
 * Looks at what a database with damaged tables holds, in a process that LevelDB may end. Undefined if it did: then
 * nobody can tell more than which files are damaged.
 */
export async function verifyDamaged(
  directory: string,
  signal: AbortSignal | undefined,
): Promise<DirectoryReport | undefined> {
  // Whatever the child leaves behind when it is ended goes with its directory.
  const TMPDIR = await mkdtemp(join(tmpdir(), 'joinery-verify-'))
  try {
    const child = spawn(process.execPath, [CHILD, directory], {
      env: { ...process.env, TMPDIR },
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(signal && { signal }),
    })
    const closed = once(child, 'close') as Promise<[number | null]>
    const [said, [code]] = await Promise.all([text(child.stdout), closed])
    return code === 0 ? (JSON.parse(said) as DirectoryReport) : undefined
  } finally {
    await rm(TMPDIR, { recursive: true, force: true })
  }
}
