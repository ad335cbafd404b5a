import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')

/**
 * Compiles what each package's doors reach, tests and fixtures left out, into its `dist`: JavaScript and types, from one
 * program. A `dist` that was there is replaced. Rejects with the compiler's words.
 */
export async function buildPackages(): Promise<void> {
  const out = await mkdtemp(join(root, 'dist-'))
  try {
    const command = [join(root, 'node_modules/.bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', out] as const
    const [tsc, ...args] = command
    await promisify(execFile)(tsc, args, { cwd: root })
    for (const name of await readdir(out)) {
      const dist = join(root, 'packages', name, 'dist')
      await rm(dist, { recursive: true, force: true })
      await rename(join(out, name, 'src'), dist)
    }
  } finally {
    await rm(out, { recursive: true })
  }
}

if (import.meta.main) await buildPackages()
