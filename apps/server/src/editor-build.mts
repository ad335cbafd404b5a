import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from './app-error.mts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const EDITOR = join(ROOT, 'apps/editor')
/** Directory of the built editor, once {@link ensureEditorBuilt} has resolved. */
export const EDITOR_DIST = join(EDITOR, 'dist')

/** Files and folders that the editor is built from. */
const SOURCES = [
  ...['src', 'index.html', 'service-worker.js', 'service-worker.build.ts', 'vite.config.ts', 'package.json'].map(
    (name) => join(EDITOR, name),
  ),
  ...['blocks', 'client', 'protocol', 'react', 'react-flow'].map((name) => join(ROOT, 'packages', name, 'src')),
  join(ROOT, 'pnpm-lock.yaml'),
]

/**
 * Builds the editor unless the build is newer than its sources. Rejects with {@link AppError} `start`, whose message has
 * the end of the build's output.
 */
export async function ensureEditorBuilt(): Promise<void> {
  const page = join(EDITOR_DIST, 'index.html')
  if (existsSync(page) && (await lastChange(SOURCES)) <= (await stat(page)).mtimeMs) return
  // Built aside and renamed as a whole: other processes may be serving or building it at this moment.
  const draft = join(EDITOR, 'node_modules', `.build-${process.pid}`)
  const old = `${draft}-old`
  try {
    await build(draft)
    if (existsSync(EDITOR_DIST)) await rename(EDITOR_DIST, old).catch(ignoreMissing)
    await rename(draft, EDITOR_DIST).catch((error: unknown) => {
      // Another process was quicker, and its build is the same.
      if (!existsSync(page)) throw error
    })
  } finally {
    for (const leftover of [draft, old]) await rm(leftover, { recursive: true, force: true })
  }
}

async function build(directory: string): Promise<void> {
  const vite = join(EDITOR, 'node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--logLevel', 'warn', '--outDir', directory, '--emptyOutDir']
  // Always production, also in tests (`test`): any other value makes Vite take React's development build.
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

/** Time of the latest change to these paths and the files below them, ms since epoch; 0 if none of them exists. */
async function lastChange(paths: readonly string[]): Promise<number> {
  const times = paths.map(async (path) => {
    const about = await stat(path).catch(ignoreMissing)
    if (about === undefined) return 0
    if (!about.isDirectory()) return about.mtimeMs
    const names = await readdir(path)
    // A change to a test does not change the build.
    return lastChange(names.filter((name) => !/\.test\.\w+$/.test(name)).map((name) => join(path, name)))
  })
  return Math.max(0, ...(await Promise.all(times)))
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
