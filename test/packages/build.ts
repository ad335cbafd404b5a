import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
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
      const manifest = await readFile(join(root, 'packages', name, 'package.json'), 'utf8')
      if (manifest.includes('require.cjs')) await writeRequireDoor(dist)
    }
  } finally {
    await rm(out, { recursive: true })
  }
}

/**
 * Writes the door for `require` in Node. Yjs has a build for `import` and one for `require`, and two Yjs in a process do not know
 * each other's types. So `require('yjs')` gives from here on the one that the package imports; where the other one
 * is loaded already, the door throws.
 */
async function writeRequireDoor(dist: string): Promise<void> {
  await writeFile(join(dist, 'yjs.js'), "export * from 'yjs'\n")
  await writeFile(join(dist, 'require.cjs'), REQUIRE_DOOR)
}

const REQUIRE_DOOR = `'use strict'
const yjs = require('./yjs.js')
const path = require.resolve('yjs')
const loaded = require.cache[path]
if (loaded !== undefined && loaded.exports.Doc !== yjs.Doc) {
  throw new Error(
    "require('yjs') ran first, and Joinery would run on a second Yjs: require Joinery's package before yjs, or import both",
  )
}
if (loaded === undefined) {
  const alias = new module.constructor(path, module)
  alias.filename = path
  alias.loaded = true
  alias.exports = yjs
  require.cache[path] = alias
}
module.exports = require('./index.js')
`

if (import.meta.main) await buildPackages()
