import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { VERSION } from '../version.mts'
import { ensureCommandBuilt } from './build-command.mts'

const { newestBuild } = createRequire(import.meta.url)('./newest-build.cjs') as {
  newestBuild(directory?: string): string | undefined
}

/** Prints the address of each module that a program loads. */
const NAME_MODULES =
  'data:text/javascript,import{registerHooks}from"node:module";registerHooks({load(u,c,n){console.error(u);return n(u,c)}})'

const modulesOf = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCommand(args, { node: [process.execPath, '--import', NAME_MODULES] })
  expect(code, stderr).toBe(0)
  return { stdout, modules: stderr.split('\n') }
}

it('[A215] a build has the whole command, and is taken only while its sources are as they were', async () => {
  const directory = await temporaryDirectory()
  expect(newestBuild(directory)).toBeUndefined()
  await ensureCommandBuilt(directory)
  const build = newestBuild(directory) ?? expect.fail('nothing was built')
  await ensureCommandBuilt(directory)
  expect(newestBuild(directory)).toBe(build)
  // Threads run as built, too.
  const modules = (await readdir(dirname(build))).filter((name) => /\.m?js$/.test(name))
  const texts = await Promise.all(modules.map((name) => readFile(join(dirname(build), name), 'utf8')))
  const started = texts.flatMap((text) =>
    [...text.matchAll(/new URL\("\.\/([\w-]+)\.mjs", import/g)].map(([, name]) => name),
  )
  expect(started.sort()).toEqual(['beat-thread', 'load-thread', 'trial-worker'])
  expect(modules).toEqual(expect.arrayContaining(started.map((name) => `${name}.mjs`)))

  const file = join(directory, 'newest.json')
  const text = await readFile(file, 'utf8')
  const manifest = JSON.parse(text) as { files: Record<string, number>; sources: Record<string, number> }
  const changed = { 'apps/server/src/cli.mts': 1, 'packages/log/package.json': 1, 'packages/log/src/gone.ts': 1 }
  for (const [path, changedAt] of Object.entries(changed)) {
    await writeFile(file, JSON.stringify({ ...manifest, sources: { ...manifest.sources, [path]: changedAt } }))
    expect(newestBuild(directory), path).toBeUndefined()
  }
  const spoilt = {
    'of a copy of the repository': JSON.stringify({ ...manifest, root: '/elsewhere' }),
    'with a file that a power cut has emptied': JSON.stringify({
      ...manifest,
      files: { ...manifest.files, 'cli.mjs': 0 },
    }),
    'with a file that is gone': JSON.stringify({ ...manifest, files: { ...manifest.files, 'gone.mjs': 1 } }),
    'that a power cut has cut off': text.slice(0, 100),
    'that is empty': '',
  }
  for (const [which, content] of Object.entries(spoilt)) {
    await writeFile(file, content)
    expect(newestBuild(directory), which).toBeUndefined()
  }
  await ensureCommandBuilt(directory)
  expect(newestBuild(directory)).not.toBe(build)
})

it('[A215] commands run as built, and a worker of a file of sagas, which imports modules of ours, from its sources', async () => {
  const built = newestBuild() ?? expect.fail('the tests run without a build')
  const version = await modulesOf('--version')
  expect(version.stdout).toBe(`${VERSION}\n`)
  expect(version.modules).toContainEqual(expect.stringContaining(built))
  expect(version.modules).not.toContainEqual(expect.stringMatching(/cli\.mts$/))
  const help = await modulesOf('work', '--help')
  expect(help.modules).toContainEqual(expect.stringMatching(/cli\.mts$/))
  expect(help.modules).not.toContainEqual(expect.stringContaining('joinery-command'))
})
