import { describe, expect, it } from 'vitest'
import { checkDependencyDirection } from './dependency-direction.ts'
import { checkFileSize } from './file-size.ts'
import { checkFolderDirection } from './folder-direction.ts'
import { checkImportCircles } from './import-circles.ts'
import { checkMachinePaths } from './machine-paths.ts'
import { checkOwnDeadlines } from './own-deadlines.ts'
import { checkPlainSentences } from './plain-sentences.ts'
import { checkSingleYjs } from './single-yjs.ts'
import type { SourceFile } from './source-tree.ts'
import { checkSpecIds } from './spec-ids.ts'

const file = (path: string, ...lines: string[]): SourceFile => ({ path, text: lines.join('\n') })
// Titles are put together here so that this file holds no id but its own.
const titled = (call: string, ids: string): string => `${call}('[${ids}] subject does this when that', () => {})`
const rule = (id: string): string => `- **${id}** does this.`
const found = (findings: readonly { path: string; line: number; message: string }[]): string[] =>
  findings.map(({ path, line, message }) => `${path}:${line}: ${message}`)

describe('spec ids', () => {
  const spec = file('packages/log/SPEC.md', '# Log', '', rule('L1'), rule('L2'))

  it('[K1] checkSpecIds reports the rule when no title names it', () => {
    const tests = file('packages/log/src/a.test.ts', titled('it', 'L1'))
    expect(found(checkSpecIds([spec, tests]))).toEqual(["packages/log/SPEC.md:4: rule L2 stands in no test's title"])
  })

  it('[K1] checkSpecIds does not count a title when its test is skipped', () => {
    const tests = file('packages/log/src/a.test.ts', titled('it', 'L1'), titled('it.skip', 'L2'))
    expect(found(checkSpecIds([spec, tests]))).toHaveLength(1)
  })

  it('[K1] checkSpecIds takes lists, tables and titles on a line of their own', () => {
    const each = titled('it.each(table)', 'L1').replace('(table)(', '(table)(\n  ')
    const tests = file('packages/log/src/a.test.ts', each, titled('test.skipIf(isSlow)', 'L1, L2'))
    expect(checkSpecIds([spec, tests])).toEqual([])
  })

  it('[K2] checkSpecIds reports the title when no rule has its id', () => {
    const tests = file('test/a.test.ts', '', titled('it', 'L1, L2'), titled('it', 'L1, L9'))
    expect(found(checkSpecIds([spec, tests]))).toEqual(['test/a.test.ts:3: no SPEC.md has a rule L9'])
  })

  it('[K3] checkSpecIds reports the second rule when an id is given twice', () => {
    const other = file('packages/server/SPEC.md', rule('L1'))
    const tests = file('test/a.test.ts', titled('it', 'L1, L2'))
    expect(found(checkSpecIds([spec, other, tests]))).toEqual([
      'packages/server/SPEC.md:1: rule L1 is already at packages/log/SPEC.md:3',
    ])
  })
})

describe('dependency directions', () => {
  // Specifiers are put together here so that this file imports nothing in a reader's eyes.
  const importing = (path: string, specifier: string) =>
    found(checkDependencyDirection([file(path, `import { a } from ${JSON.stringify(specifier)}`)]))

  it('[K4] checkDependencyDirection reports an import when it points against the arrows', () => {
    expect(importing('packages/log/src/a.ts', '@joinery/server')).toEqual([
      'packages/log/src/a.ts:1: packages/log may not import server',
    ])
    expect(importing('packages/server/src/a.ts', '@joinery/blocks')).toHaveLength(1)
    expect(importing('packages/server/src/a.ts', '@joinery/log')).toEqual([])
    expect(importing('test/a.test.ts', '@joinery/server')).toEqual([])
  })

  it('[K4] checkDependencyDirection reports a dynamic or type-only import as any other', () => {
    const dynamic = file('packages/log/src/a.ts', `const a = await import(${"'@joinery/server'"})`)
    expect(checkDependencyDirection([dynamic])).toHaveLength(1)
    const type = file('packages/log/src/a.ts', `export type { A } from ${"'@joinery/server'"}`)
    expect(checkDependencyDirection([type])).toHaveLength(1)
  })

  it('[K4] checkDependencyDirection reports a manifest when it depends against the arrows', () => {
    const manifest = file(
      'packages/blocks/package.json',
      '{',
      '  "dependencies": { "@joinery/client": "workspace:*" }',
      '}',
    )
    const named = file('packages/log/package.json', '{ "name": "@joinery/log" }')
    expect(found(checkDependencyDirection([manifest, named]))).toEqual([
      'packages/blocks/package.json:2: packages/blocks may not depend on client',
    ])
  })

  it('[K4] checkDependencyDirection reports a package when the table does not know it', () => {
    expect(importing('packages/surprise/src/a.ts', 'yjs')).toHaveLength(1)
  })

  it('[K5] checkDependencyDirection reports an import when it goes past a door', () => {
    expect(importing('packages/server/src/a.ts', '@joinery/log/src/level-store.ts')).toHaveLength(1)
    expect(importing('packages/server/src/a.ts', '@joinery/server')).toHaveLength(1)
    expect(importing('packages/server/src/a.ts', '../../log/src/index.ts')).toHaveLength(1)
    expect(importing('packages/server/src/room/a.ts', '../b.ts')).toEqual([])
    expect(importing('packages/server/src/a.ts', '@joinery/log/testing')).toEqual([])
  })

  it('[K6] checkDependencyDirection reports a pure package when it imports from node', () => {
    expect(importing('packages/blocks/src/a.ts', 'node:fs')).toHaveLength(1)
    expect(importing('packages/blocks/src/a.test.ts', 'node:fs')).toEqual([])
    expect(importing('packages/blocks/bench/a.ts', 'node:fs')).toEqual([])
    expect(importing('packages/log/src/a.ts', 'node:fs')).toEqual([])
  })
})

it('[K7] checkFileSize reports a source when it has more than 400 lines', () => {
  const lines = (count: number) => `${'x\n'.repeat(count)}`
  expect(checkFileSize([file('packages/log/src/a.ts', lines(400)), file('test/long.ts', lines(900))])).toEqual([])
  expect(found(checkFileSize([file('apps/server/src/a.mts', lines(401))]))).toEqual([
    'apps/server/src/a.mts:401: 401 lines; split it at 400',
  ])
})

it('[K8] checkSingleYjs reports both places when the lockfile has two versions', () => {
  const one = ['packages:', '', '  yjs@13.6.33:', '', 'snapshots:', '', '  yjs@13.6.33:']
  expect(checkSingleYjs(file('pnpm-lock.yaml', ...one))).toEqual([])
  const two = file('pnpm-lock.yaml', ...one, '  yjs@14.0.0:')
  expect(checkSingleYjs(two).map(({ line }) => line)).toEqual([3, 8])
  expect(checkSingleYjs(file('pnpm-lock.yaml', 'packages:'))).toHaveLength(1)
})

it('[K9] checkImportCircles reports a circle once, at its first file, when one of its imports is of types alone', () => {
  const importing = (path: string, ...lines: string[]) => file(path, ...lines.map((from) => `import ${from}`))
  const circle = [
    importing('packages/log/src/a.ts', `{ x } from ${"'./b.ts'"}`),
    importing('packages/log/src/b.ts', `type { Y } from ${"'./deep/c.ts'"}`),
    importing('packages/log/src/deep/c.ts', `{ x } from ${"'../a.ts'"}`),
    // It leads into the circle and is no part of it.
    importing('packages/log/src/other.ts', `{ x } from ${"'./b.ts'"}`),
  ]
  expect(found(checkImportCircles(circle))).toEqual([
    'packages/log/src/a.ts:1: imports in a circle: packages/log/src/a.ts → packages/log/src/b.ts → packages/log/src/deep/c.ts → packages/log/src/a.ts',
  ])
  expect(checkImportCircles(circle.slice(0, 2))).toEqual([])
})

it('[K10] checkMachinePaths reports a path when it is below a home or a scratch directory, and no URL', () => {
  const scratch = ['', 'tmp', 'notes'].join('/')
  expect(found(checkMachinePaths([file('README.md', 'Fine.', `See ${scratch}.`)]))).toEqual([
    `README.md:2: ${scratch}. is a path of one machine`,
  ])
  expect(checkMachinePaths([file('a.ts', `'https://host${scratch}'`, `tmpdir() + '/x'`)])).toEqual([])
})

it('[K13] checkOwnDeadlines reports a test when it states a deadline of its own, and no other file', () => {
  // Put together here so that this file states none in a reader's eyes.
  const option = ['time', 'out: 5_000'].join('')
  const wait = ['vi.wait', 'For(check'].join('')
  const own = [
    `it('a', { ${option} }, () => {})`,
    `expect.poll(read, { ${option} })`,
    ['}, 90_', '000)'].join(''),
    `${wait})`,
    ['AbortSignal.time', 'out(5)'].join(''),
  ]
  expect(found(checkOwnDeadlines([file('test/a.test.ts', ...own)])).map((line) => line.split(': ')[0])).toEqual(
    ['1', '2', '3', '5', '4'].map((line) => `test/a.test.ts:${line}`),
  )
  expect(checkOwnDeadlines([file('test/a.test.ts', `${wait}, WAIT_MS)`, 'store({ windowMs: 5 })', '})')])).toEqual([])
  expect(checkOwnDeadlines([file('test/support/a.ts', ...own)])).toEqual([])
})

describe('folder directions', () => {
  const importing = (path: string, specifier: string) =>
    found(checkFolderDirection([file(path, `import { a } from ${JSON.stringify(specifier)}`)]))

  it('[K11] checkFolderDirection reports an import when it points against the arrows', () => {
    expect(importing('packages/server/src/content/a.ts', '../room/b.ts')).toEqual([
      'packages/server/src/content/a.ts:1: content may not import room/: its arrows point to no folder',
    ])
    expect(importing('packages/log/src/leveldb/a.ts', '../disk/b.ts')).toHaveLength(1)
    expect(importing('packages/log/src/a.ts', './store/b.ts')).toHaveLength(1)
    expect(importing('packages/server/src/room/a.ts', '../testing/b.ts')).toHaveLength(1)
  })

  it('[K11] checkFolderDirection passes an import along the arrows, in a test and in the door', () => {
    expect(importing('packages/server/src/edge/a.ts', '../content/b.ts')).toEqual([])
    expect(importing('packages/server/src/room/a.ts', '../limits.ts')).toEqual([])
    expect(importing('packages/server/src/content/a.test.ts', '../room/b.ts')).toEqual([])
    expect(importing('packages/server/src/index.ts', './edge/b.ts')).toEqual([])
  })

  it('[K11] checkFolderDirection reports a folder when the table does not know it', () => {
    expect(importing('packages/server/src/surprise/a.ts', '../b.ts')).toHaveLength(1)
  })
})

describe('plain sentences', () => {
  // The riddles are put together here so that this file has none in its comments.
  const inSource = (...lines: string[]) => found(checkPlainSentences([file('a.ts', ...lines)]))
  const inPage = (...lines: string[]) => found(checkPlainSentences([file('SPEC.md', ...lines)]))

  it('[K12] checkPlainSentences reports a sentence that begins with a word for something that it does not name', () => {
    expect(inSource('const a = 1', '/** What a room needs. */')).toEqual([
      'a.ts:2: "What" begins a sentence: name the thing or the person',
    ])
    expect(inSource('// A room closes. Who waits', '// then is told. Whatever', '// comes is lost.')).toEqual([
      'a.ts:1: "Who" begins a sentence: name the thing or the person',
      'a.ts:2: "Whatever" begins a sentence: name the thing or the person',
    ])
    expect(inPage('# Rooms', '', '- **S1** What is sent arrives.', '- A list.', '', 'Who joins', 'reads all.')).toEqual(
      [
        'SPEC.md:3: "What" begins a sentence: name the thing or the person',
        'SPEC.md:6: "Who" begins a sentence: name the thing or the person',
      ],
    )
  })

  it('[K12] checkPlainSentences reports a person without a noun', () => {
    expect(inSource('// The room tells whoever asks.')).toEqual([
      'a.ts:1: "whoever" has no noun: name the thing or the person',
    ])
    expect(inSource('/**', ' * It is sent', ' * to who joins late.', ' */')).toEqual([
      'a.ts:2: "It" begins a docstring and refers to something outside it: name the thing',
      'a.ts:3: "to who" has no noun before "who": name the person',
    ])
  })

  it('[K12] checkPlainSentences reports a docstring when its first word needs its neighbour', () => {
    for (const word of ['Of', 'Those', 'And']) expect(inSource(`/** ${word} the room before. */`)).toHaveLength(1)
    expect(inSource('// Of the rooms, one is open.', '/** Length of the list. It is short. */')).toEqual([])
  })

  it('[K12] checkPlainSentences passes questions, code, headings, tables and strings', () => {
    expect(inSource('/** What to tell a person. */')).toEqual([])
    expect(
      inSource('// What happens when two write? Both stay.', '// Calls `Who comes`. Those who read see all.'),
    ).toEqual([])
    expect(inSource("const a = ['// What is', `/** Who is */`]", 'const url = "http://what"')).toEqual([])
    expect(
      inPage('# What it costs', '', '| Who | What |', '', '```', 'What is this', '```', '', 'A user who types.'),
    ).toEqual([])
  })
})
