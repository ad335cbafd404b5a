import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from './app-error.mts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const EDITOR = join(ROOT, 'apps/editor')
/** Where the built editor is, once {@link ensureEditorBuilt} has resolved. */
export const EDITOR_DIST = join(EDITOR, 'dist')

/** What the editor is made of. */
const SOURCES = [
  ...['src', 'index.html', 'service-worker.js', 'service-worker.build.ts', 'vite.config.ts', 'package.json'].map(
    (name) => join(EDITOR, name),
  ),
  ...['blocks', 'client', 'protocol', 'react'].map((name) => join(ROOT, 'packages', name, 'src')),
  join(ROOT, 'pnpm-lock.yaml'),
]

/** Builds the editor unless it is built from what is there now. Rejects with {@link AppError} `start` and the end of what the build said. */
export async function ensureEditorBuilt(): Promise<void> {
  const page = join(EDITOR_DIST, 'index.html')
  if (existsSync(page) && (await lastChange(SOURCES)) <= (await stat(page)).mtimeMs) return
  // Built aside and put in place as a whole: others may be serving, or building, at this moment.
  const draft = join(EDITOR, 'node_modules', `.build-${process.pid}`)
  const old = `${draft}-old`
  try {
    await build(draft)
    if (existsSync(EDITOR_DIST)) await rename(EDITOR_DIST, old).catch(ignoreMissing)
    await rename(draft, EDITOR_DIST).catch((error: unknown) => {
      // Somebody else was quicker, with the same.
      if (!existsSync(page)) throw error
    })
  } finally {
    for (const leftover of [draft, old]) await rm(leftover, { recursive: true, force: true })
  }
}

async function build(directory: string): Promise<void> {
  const vite = join(EDITOR, 'node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--logLevel', 'warn', '--outDir', directory, '--emptyOutDir']
  // Whatever this process runs as (tests are `test`): any other value would bring React's development build.
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(process.execPath, args, { cwd: EDITOR, env, stdio: 'pipe' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000)
    })
  }
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'ended'))
  })
  if (code !== 0) throw new AppError('start', `the editor could not be built (${code}): ${said.trim()}`)
}

/** Time of the latest change to any of these, files in folders included, ms since epoch. What is not there has none. */
async function lastChange(paths: readonly string[]): Promise<number> {
  const times = paths.map(async (path) => {
    const about = await stat(path).catch(ignoreMissing)
    if (about === undefined) return 0
    if (!about.isDirectory()) return about.mtimeMs
    const names = await readdir(path)
    // Tests are no part of it.
    return lastChange(names.filter((name) => !/\.test\.\w+$/.test(name)).map((name) => join(path, name)))
  })
  return Math.max(0, ...(await Promise.all(times)))
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
