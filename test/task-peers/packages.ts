import { execFile } from 'node:child_process'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The peers' packages. They are installed for this comparison alone: nobody else needs their 250 MB. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  bullmq: ['bullmq@6.7.0', 'ioredis@5.11.1'],
  'pg-boss': ['pg-boss@12.38.0', 'pg@8.23.1'],
  restate: ['@restatedev/restate-sdk@1.17.2', '@restatedev/restate-server@1.7.12'],
}

/** Installs a peer's packages below `directory`, unless they are there, and returns their folder. */
export async function installPeer(peer: string, directory: string): Promise<string> {
  const folder = join(directory, peer)
  const specs = PACKAGES[peer] ?? []
  const name = specs[0]?.replace(/@[^@]+$/, '') ?? ''
  try {
    await access(join(folder, 'node_modules', name))
  } catch {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...specs], { cwd: folder })
  }
  return folder
}

/** Loads a peer's package from its folder. It has no types here. */
export function requirePeer<T>(folder: string, name: string): T {
  return createRequire(join(folder, 'package.json'))(name) as T
}
