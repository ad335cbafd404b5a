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
 * Verifies a database with damaged tables in a child process, which LevelDB may end. Undefined if it did: then nothing
 * is known but which files are damaged.
 */
export async function verifyDamaged(
  directory: string,
  signal: AbortSignal | undefined,
): Promise<DirectoryReport | undefined> {
  // A child that is ended may leave temporary files: they are removed together with this directory.
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
