import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

/** Two copies of yjs in one process break `instanceof` and with it documents, so the lockfile may name one version only. */
export function checkSingleYjs(lockfile: SourceFile): Finding[] {
  const lineByVersion = new Map<string, number>()
  for (const match of lockfile.text.matchAll(/^ {2}'?yjs@([^'():\s]+)/gm)) {
    const version = match[1] ?? ''
    if (!lineByVersion.has(version)) lineByVersion.set(version, lineAt(lockfile.text, match.index + 3))
  }
  if (lineByVersion.size === 1) return []
  if (lineByVersion.size === 0) return [{ path: lockfile.path, line: 1, message: 'names no yjs at all' }]
  const versions = [...lineByVersion.keys()].join(', ')
  return [...lineByVersion.values()].map((line) => ({
    path: lockfile.path,
    line,
    message: `more than one yjs: ${versions}`,
  }))
}
