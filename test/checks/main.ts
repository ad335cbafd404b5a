import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { checkDependencyDirection } from './dependency-direction.ts'
import { checkFileSize } from './file-size.ts'
import { checkFolderDirection } from './folder-direction.ts'
import { checkImportCircles } from './import-circles.ts'
import { checkMachinePaths } from './machine-paths.ts'
import { checkOwnDeadlines } from './own-deadlines.ts'
import { checkPlainSentences } from './plain-sentences.ts'
import { checkSingleYjs } from './single-yjs.ts'
import { type Finding, readSourceTree } from './source-tree.ts'
import { checkSpecIds } from './spec-ids.ts'

const root = join(import.meta.dirname, '../..')

/** Tools of the check before a commit. Every one runs even when another fails, so that one run reports everything. */
const tools: readonly (readonly [what: string, command: string])[] = [
  ['format, lint', 'biome ci . --diagnostic-level=error'],
  ['types', 'tsc'],
  ['unused files, exports and dependencies', 'knip'],
]

let isClean = true
for (const [what, command] of tools) {
  console.log(`== ${what} (${command})`)
  const PATH = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`
  const { status, error } = spawnSync(command, {
    cwd: root,
    stdio: 'inherit',
    shell: true,
    env: { ...process.env, PATH },
  })
  if (error) throw error
  if (status !== 0) isClean = false
}

const files = readSourceTree(root)
const lockfile = { path: 'pnpm-lock.yaml', text: readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8') }
report('rule ids against tests', checkSpecIds(files))
report('dependency directions', checkDependencyDirection(files))
report('folder directions', checkFolderDirection(files))
report('import circles, types included', checkImportCircles(files))
report('file sizes', checkFileSize(files))
report('paths of one machine', checkMachinePaths(files))
report('deadlines of tests', checkOwnDeadlines(files))
report('plain sentences', checkPlainSentences(files))
report('one yjs', checkSingleYjs(lockfile))

if (!isClean) {
  console.error('check failed')
  process.exitCode = 1
}

function report(what: string, findings: readonly Finding[]): void {
  console.log(`== ${what}`)
  for (const { path, line, message } of findings) console.error(`${path}:${line}: ${message}`)
  if (findings.length > 0) isClean = false
}
