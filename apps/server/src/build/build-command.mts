import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type PluginContext, rolldown } from 'rolldown'

const { BUILDS, NEWEST, ROOT, newestBuild } = createRequire(import.meta.url)('./newest-build.cjs') as {
  readonly BUILDS: string
  readonly NEWEST: string
  readonly ROOT: string
  newestBuild(directory: string): string | undefined
}
/** Modules that something starts, by the names that they get in a build. Threads are started by the `new URL` of their modules. */
const ENTRIES = {
  cli: 'apps/server/src/cli.mts',
  'load-thread': 'apps/server/src/operations/load-thread.mts',
  'trial-worker': 'packages/server/src/content/trials/trial-worker.ts',
  'beat-thread': 'packages/worker/src/beat-thread.ts',
} as const
const THREAD_URL = /new URL\((['`])\.\/([\w-]+)[^']*?\1, import\.meta\.url\)/g
/** Changes with each install of other packages. */
const INSTALLED = join(ROOT, 'node_modules/.pnpm/lock.yaml')
/** A running process may load later parts from the build that it was started from. */
const KEPT_BUILDS = 3

/**
 * Builds the command from its sources, unless there is a build of them as they are. The command has some 900 modules: to find,
 * read and link them one by one costs more than what most commands do. A build has them in a few files. Each module
 * keeps the `import.meta.url` of its source, by which it finds its files, threads and programs. Rejects with the
 * bundler's error.
 *
 * @param directory - where builds are kept
 */
export async function ensureCommandBuilt(directory = BUILDS): Promise<void> {
  if (newestBuild(directory) !== undefined) return
  const startedAt = Date.now()
  const name = `${startedAt}-${process.pid}`
  const modules = new Set<string>()
  const keepLocation = (code: string, path: string) => {
    if (!path.startsWith(ROOT) || path.includes('/node_modules/')) return undefined
    modules.add(path)
    // The bracket keeps the address of a thread's program, which is the build's own, from the second replacement.
    return code
      .replace(THREAD_URL, (url, _, name) => (name in ENTRIES ? `new URL('./${name}.mjs', import.meta['url'])` : url))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
  }
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(ROOT, path)])),
    platform: 'node',
    plugins: [{ name: 'joinery', resolveId: keepCommonJs, transform: keepLocation }],
  })
  await bundle.write({ dir: join(directory, name), format: 'esm', entryFileNames: '[name].mjs' })
  await bundle.close()
  const manifests = new Set([...modules].map((path) => join(ROOT, packageOf(path), 'package.json')))
  const times = await Promise.all(
    [...modules, ...manifests, INSTALLED].map(async (path) => [path, (await stat(path)).mtimeMs] as const),
  )
  // Nobody knows whether a source that changed meanwhile is in the build as it was or as it is: the next one who asks builds again.
  if (times.some(([, changedAt]) => changedAt >= startedAt)) return
  const sources = Object.fromEntries(times.map(([path, changedAt]) => [relative(ROOT, path), changedAt]))
  const files = Object.fromEntries(
    await Promise.all(
      (await readdir(join(directory, name))).map(async (file) => [
        file,
        (await stat(join(directory, name, file))).size,
      ]),
    ),
  )
  // The manifest comes last and as a whole: other processes may be starting or building at this moment.
  const draft = join(directory, name, NEWEST)
  await writeFile(draft, JSON.stringify({ root: ROOT, name, files, sources }))
  await rename(draft, join(directory, NEWEST))
  const builds = (await readdir(directory)).filter((each) => each !== NEWEST).sort()
  for (const old of builds.slice(0, -KEPT_BUILDS)) await rm(join(directory, old), { recursive: true, force: true })
}

/** Packages in CommonJS stay where they are: some of them look for files beside themselves. */
async function keepCommonJs(this: PluginContext, name: string, importer: string | undefined) {
  if (importer === undefined || name.startsWith('.') || name.startsWith('node:')) return null
  const resolved = await this.resolve(name, importer, { skipSelf: true })
  if (!resolved?.id.includes('/node_modules/') || !(await isCommonJs(resolved.id))) return null
  return { id: pathToFileURL(resolved.id).href, external: true }
}

async function isCommonJs(path: string): Promise<boolean> {
  if (extname(path) !== '.js') return extname(path) === '.cjs'
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (manifest !== undefined) return (JSON.parse(manifest) as { type?: string }).type !== 'module'
  }
}

/** Folder of the package that a module of this repository belongs to, such as `packages/log`. */
function packageOf(path: string): string {
  return relative(ROOT, path).split('/').slice(0, 2).join('/')
}

if (import.meta.main) await ensureCommandBuilt()
