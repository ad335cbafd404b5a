import { execFile } from 'node:child_process'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'
import { skipForWant } from './skip-for-want.ts'
import { tempDirectory } from './temp-directory.ts'

const run = promisify(execFile)
/** LevelDB's own files take about half of this at rest. */
const SIZE = '6m'

/** A file system of a few MiB of its own, which a test can fill. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Fills the disk, but for `leaving` bytes. */
  fill(options?: { readonly leaving: number }): Promise<void>
  /** Gives back what {@link fill} took. */
  empty(): Promise<void>
}

/** Mounts a small disk. Skips the test, and says why, where mounting is not allowed. */
export async function smallDisk(context: TestContext): Promise<SmallDisk> {
  const mountPoint = await tempDirectory()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', mountPoint.path])
  } catch (error) {
    await mountPoint[Symbol.asyncDispose]()
    skipForWant(context, 'to mount a small disk, which a test can fill', error)
  }
  const filler = join(mountPoint.path, 'filler')
  return {
    path: mountPoint.path,
    async fill({ leaving } = { leaving: 0 }) {
      const { bavail, bsize } = await statfs(mountPoint.path)
      await writeFile(filler, new Uint8Array(Math.max(0, bavail * bsize - leaving)))
    },
    empty: () => rm(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      await run('umount', ['--lazy', mountPoint.path])
      await mountPoint[Symbol.asyncDispose]()
    },
  }
}
