import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, realpath, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildPackages } from './build.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface PackedPackage {
  readonly manifest: Manifest
  /** Specifiers with which a program imports each of its doors. */
  readonly doors: readonly string[]
}

/**
 * Builds and packs all packages, and puts them into `project/node_modules` as an installation would: each finds its sisters,
 * the peers that it needs and what it declares, and nothing else that is in this repository. Optional peers are left out. No
 * registry is asked.
 */
export async function installPacked(project: string): Promise<PackedPackage[]> {
  await buildPackages()
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const pnpm = /pnpm@\S+/.exec(scripts.pretest)?.[0] ?? 'pnpm'
  const packed = join(project, 'packed')
  const pack = ['-r', '--filter', './packages/*', 'pack', '--pack-destination', packed]
  await run('npx', ['--yes', pnpm, ...pack], { cwd: root })
  const packages: PackedPackage[] = []
  for (const archive of await readdir(packed)) packages.push(await install(join(packed, archive), project))
  return packages
}

async function install(archive: string, project: string): Promise<PackedPackage> {
  const name = /^joinery-([\w-]+?)-\d/.exec(basename(archive))?.[1] ?? archive
  const folder = join(project, 'node_modules/@joinery', name)
  await mkdir(folder, { recursive: true })
  await run('tar', ['-xzf', archive, '-C', folder, '--strip-components', '1'])
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  const source = join(root, 'packages', name, 'node_modules')
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    if (!dependency.startsWith('@joinery/')) await link(source, dependency, join(folder, 'node_modules'))
  }
  for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
    if (manifest.peerDependenciesMeta?.[peer]?.optional) continue
    await link(source, peer, join(project, 'node_modules'))
  }
  return { manifest, doors: Object.keys(manifest.exports).map((door) => `${manifest.name}${door.slice(1)}`) }
}

/** Links `name` as `source` has it into `target`; one that is there already stays. */
export async function link(source: string, name: string, target: string): Promise<void> {
  const path = join(target, name)
  await mkdir(dirname(path), { recursive: true })
  const error = await symlink(await realpath(join(source, name)), path).catch((error: NodeJS.ErrnoException) => error)
  if (error !== undefined && error.code !== 'EEXIST') throw error
}
