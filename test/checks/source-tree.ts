import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** One text file of the repository. */
export interface SourceFile {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Something a check objects to; printed as `path:line: message`. */
export interface Finding {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly message: string
}

const READ = /(\.(ts|tsx|mts|cts|md|sh|py)|(^|\/)package\.json)$/
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', 'data'])

/** README.md, and the sources, pages and manifests below packages, apps and test, by path. Throws if one can't be read. */
export function readSourceTree(root: string): SourceFile[] {
  const paths: string[] = ['README.md']
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name) && !entry.name.startsWith('.')) visit(path)
      } else if (entry.isFile()) paths.push(relative(root, path).split(sep).join('/'))
    }
  }
  for (const top of ['packages', 'apps', 'test']) visit(join(root, top))
  return paths
    .filter((path) => READ.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Line of the character at `offset`, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
