import { dirname, join } from 'node:path/posix'
import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

const IMPORT = /(?:\bfrom|\bimport\s*\(?)\s*['"](\.{1,2}\/[^'"\n]+)['"]/g

interface Import {
  readonly target: string
  readonly line: number
}

/**
 * Files that import each other in a circle, types included: types alone load in any order, but neither file can be read
 * without the other. Each circle is reported once, at its first file.
 */
export function checkImportCircles(files: readonly SourceFile[]): Finding[] {
  const sources = files.filter(({ path }) => /\.(ts|tsx|mts)$/.test(path))
  const known = new Set(sources.map(({ path }) => path))
  const importsOf = new Map(sources.map((file) => [file.path, importsIn(file, known)]))
  const findings: Finding[] = []
  const done = new Set<string>()
  for (const path of importsOf.keys()) {
    if (done.has(path)) continue
    const circle = circleThrough(path, importsOf)
    done.add(path)
    if (circle === undefined) continue
    for (const member of circle) done.add(member)
    const line = importsOf.get(path)?.find(({ target }) => target === circle[1])?.line ?? 1
    findings.push({ path, line, message: `imports in a circle: ${[...circle, path].join(' → ')}` })
  }
  return findings
}

function importsIn(file: SourceFile, known: ReadonlySet<string>): Import[] {
  return [...file.text.matchAll(IMPORT)]
    .map((match) => ({
      target: join(dirname(file.path), match[1] ?? ''),
      line: lineAt(file.text, match.index),
    }))
    .filter(({ target }) => known.has(target))
}

/** The shortest way from `start` back to itself, `start` first; undefined when there is none. */
function circleThrough(start: string, importsOf: ReadonlyMap<string, readonly Import[]>): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const { target } of importsOf.get(path) ?? []) {
      if (target === start) return wayTo(path, cameFrom)
      if (cameFrom.has(target)) continue
      cameFrom.set(target, path)
      queue.push(target)
    }
  }
  return undefined
}

function wayTo(end: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [end]
  for (let path = cameFrom.get(end); path !== undefined; path = cameFrom.get(path)) way.unshift(path)
  return way
}
