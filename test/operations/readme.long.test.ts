import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { joinery } from '../support/command.ts'

/** Commands of README.md, as the words after `joinery`, from its code spans and its code blocks. */
async function commandsOfReadme(): Promise<string[][]> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, operate = ''] = readme.split('## Operate it\n')
  const [section = ''] = operate.split('\n## ')
  const spans = Array.from(section.matchAll(/`joinery ([^`\n]+)`/g), ([, words = '']) => words)
  const blocks = Array.from(section.matchAll(/```\n([^`]+)```/g), ([, block = '']) => block)
  const lines = blocks.flatMap((block) =>
    Array.from(block.matchAll(/joinery ((?:[a-z]+)(?: (?!&&)\S+)*)/g), ([, words = '']) => words),
  )
  return [...spans, ...lines].map((words) => words.split(' '))
}

/** Commands that have commands of their own. */
const GROUPS: ReadonlySet<string> = new Set(['cluster', 'hooks', 'leases', 'tasks'])
/** Commands of a group that have commands of their own. */
const SUBGROUPS: ReadonlySet<string> = new Set(['outgoing'])
/** Commands without a result that a program would read as JSON. */
const TALKERS: ReadonlySet<string> = new Set(['serve'])

describe('README.md', () => {
  it('[T77] every command and option that it names is one', async () => {
    const named = await commandsOfReadme()
    const optionsOf = Map.groupBy(
      named.flatMap(([first = '', ...words]) => {
        const group = GROUPS.has(first) ? words.slice(0, SUBGROUPS.has(words[0] ?? '') ? 2 : 1) : []
        const name = [first, ...group].join(' ')
        return [[name, ''], ...words.filter((word) => word.startsWith('--')).map((word) => [name, word])]
      }),
      ([name = '']) => name,
    )
    const single = [...optionsOf.keys()].filter((name) => !name.includes(' '))
    expect(single.sort()).toEqual(
      [
        'backup',
        'compact',
        'delete',
        'export',
        'history',
        'import',
        'inspect',
        'keygen',
        'purge',
        'repair',
        'restore',
        'serve',
        'undelete',
        'verify',
      ].sort(),
    )
    for (const [name, options] of optionsOf) {
      const { exit, stdout } = await joinery(...name.split(' '), '--help')
      expect(exit, name).toEqual({ code: 0, signal: null })
      for (const [, option = ''] of options) expect(stdout, `joinery ${name}`).toContain(option)
      if (!TALKERS.has(name)) expect(stdout, `joinery ${name}`).toContain('--json')
    }
  })
})
