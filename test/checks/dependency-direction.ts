import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

/** Which sister packages each may import: the arrows of the architecture. `test` may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/protocol': [],
  'packages/blocks': [],
  'packages/log': [],
  'packages/server': ['protocol', 'log'],
  'packages/tasks': ['protocol', 'log'],
  'packages/worker': ['protocol', 'client'],
  'packages/api': ['protocol', 'log', 'server', 'blocks', 'tasks', 'resources'],
  'packages/client': ['protocol', 'blocks'],
  'packages/react': ['client', 'blocks'],
  'packages/react-flow': ['react', 'client', 'blocks'],
  'packages/cluster': ['protocol', 'log', 'server'],
  'packages/resources': ['protocol', 'blocks', 'log', 'server', 'client', 'tasks', 'worker'],
  'apps/server': [
    'protocol',
    'blocks',
    'log',
    'server',
    'api',
    'client',
    'tasks',
    'worker',
    'cluster',
    'resources',
    'demonstration',
  ],
  'apps/demonstration': ['client', 'blocks', 'worker', 'resources'],
  'apps/editor': ['react', 'react-flow', 'client', 'blocks'],
}

/** Packages of pure functions: they use no files, sockets or processes. */
const PURE = new Set(['packages/protocol', 'packages/blocks'])

/** The doors of a package besides its index. */
const DOORS: ReadonlySet<string> = new Set(['/testing', '/operations', '/plain-logging', '/search', '/limits'])

const IMPORT = /(?:\bfrom|\bimport\s*\(?)\s*['"]([^'"\n]+)['"]/g
const SISTER = /^@joinery\/([\w-]+)(\/.*)?$/

/** Imports and manifest entries that point against the arrows, past a package's door, or out of a pure package. */
export function checkDependencyDirection(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const home = /^(packages|apps)\/[^/]+/.exec(file.path)?.[0]
    if (home === undefined) return []
    const allowed = MAY_IMPORT[home]
    if (allowed === undefined) {
      return [{ path: file.path, line: 1, message: `${home} is not in the table of dependency directions` }]
    }
    if (file.path === `${home}/package.json`) return manifestFindings(file, home, allowed)
    return /\.(ts|tsx|mts)$/.test(file.path) ? importFindings(file, home, allowed) : []
  })
}

function manifestFindings(file: SourceFile, home: string, allowed: readonly string[]): Finding[] {
  return [...file.text.matchAll(/"@joinery\/([\w-]+)"\s*:/g)]
    .filter(([, sister = '']) => !allowed.includes(sister))
    .map((match) => ({
      path: file.path,
      line: lineAt(file.text, match.index),
      message: `${home} may not depend on ${match[1]}`,
    }))
}

function importFindings(file: SourceFile, home: string, allowed: readonly string[]): Finding[] {
  return [...file.text.matchAll(IMPORT)].flatMap((match) => {
    const message = objection(match[1] ?? '', file.path, home, allowed)
    return message === undefined ? [] : [{ path: file.path, line: lineAt(file.text, match.index), message }]
  })
}

function objection(specifier: string, path: string, home: string, allowed: readonly string[]): string | undefined {
  const sister = SISTER.exec(specifier)
  if (sister) {
    const [, name = '', door] = sister
    if (home === `packages/${name}`) return `${home} imports itself by name; import the file`
    if (!allowed.includes(name)) return `${home} may not import ${name}`
    if (door !== undefined && !DOORS.has(door)) return `${specifier} goes past the public door of ${name}`
    return undefined
  }
  if (specifier.startsWith('.')) {
    const target = new URL(specifier, `file:///${path}`).pathname
    return target.startsWith(`/${home}/`) ? undefined : `${specifier} leaves ${home}; import the package by name`
  }
  // Tests of a pure package may read fixtures, and its benchmarks print.
  if (
    specifier.startsWith('node:') &&
    PURE.has(home) &&
    path.startsWith(`${home}/src/`) &&
    !/\.test\.m?ts$/.test(path)
  ) {
    return `${home} is pure and may not import ${specifier}`
  }
  return undefined
}
