import { dirname, join } from 'node:path/posix'
import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

/** Any folder of the package. */
const ANY = '*'

/**
 * Which folders of a package each of its folders may import, besides itself: the arrows inside the package. The empty name
 * is the files that stand in no folder; every folder may import those, and they import no folder.
 */
const FLOORS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'packages/server/src': {
    edge: ['inside', 'room', 'content', 'leases'],
    inside: ['room', 'content', 'leases'],
    room: ['content', 'leases'],
    content: [],
    leases: [],
    testing: [ANY],
  },
  'packages/log/src': {
    operations: ['store', 'disk', 'leveldb', 'records', 'proof'],
    store: ['disk', 'records'],
    memory: ['records'],
    disk: ['leveldb', 'records'],
    records: [],
    proof: [],
    leveldb: [],
    testing: [ANY],
    crash: [ANY],
  },
  'packages/api/src': {
    edge: ['routes', 'tasks', 'feed', 'writes', 'history'],
    routes: ['tasks', 'feed', 'writes', 'history'],
    tasks: ['feed', 'writes'],
    feed: ['history'],
    writes: ['history'],
    history: [],
    testing: [ANY],
  },
}

const IMPORT = /(?:\bfrom|\bimport\s*\(?)\s*['"](\.{1,2}\/[^'"\n]+)['"]/g

/** Imports that point against the arrows between the folders of a package. Tests, and the package's doors, may import any. */
export function checkFolderDirection(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const home = Object.keys(FLOORS).find((root) => file.path.startsWith(`${root}/`))
    const floors = home === undefined ? undefined : FLOORS[home]
    if (home === undefined || floors === undefined || isExempt(file.path, home)) return []
    const folder = folderOf(file.path, home)
    const allowed = folder === '' ? [] : floors[folder]
    if (allowed === undefined) {
      return [{ path: file.path, line: 1, message: `${home}/${folder} is not in the table of folder directions` }]
    }
    if (allowed.includes(ANY)) return []
    return [...file.text.matchAll(IMPORT)].flatMap((match) => {
      const target = join(dirname(file.path), match[1] ?? '')
      if (!target.startsWith(`${home}/`)) return []
      const to = folderOf(target, home)
      if (to === '' || to === folder || allowed.includes(to)) return []
      const message = `${folder || 'a file of no folder'} may not import ${to}/: its arrows point to ${allowed.join(', ') || 'no folder'}`
      return [{ path: file.path, line: lineAt(file.text, match.index), message }]
    })
  })
}

function folderOf(path: string, home: string): string {
  const inside = path.slice(home.length + 1)
  return inside.includes('/') ? (inside.split('/', 1)[0] ?? '') : ''
}

function isExempt(path: string, home: string): boolean {
  return !/\.(ts|tsx|mts)$/.test(path) || /\.test\.m?tsx?$/.test(path) || path === `${home}/index.ts`
}
