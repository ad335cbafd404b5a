import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseWorkspaceName } from './workspace-name.ts'

describe('a workspace name', () => {
  it.each([
    'a',
    '7',
    'my-workspace',
    'My_Workspace.v2~draft:1',
    'acme/plan',
    'acme/team/folder/document',
    'a.b.c',
    'a.',
    'a'.repeat(128),
    Array(4).fill('b'.repeat(128)).join('/'),
    'constructor',
  ])('[W20] %s is one', (name) => expect(parseWorkspaceName(name)).toBe(name))

  it.each([
    ['empty', ''],
    ['a slash', '/'],
    ['led by a slash', '/a'],
    ['ended by a slash', 'a/'],
    ['with an empty segment', 'a//b'],
    ['a dot', '.'],
    ['two dots', '..'],
    ['going up', '../a'],
    ['going up in the middle', 'a/../b'],
    ['going up at the end', 'a/..'],
    ['with two dots inside a segment', 'a..b'],
    ['hidden', '.git'],
    ['led by a hyphen, as an option is', '-rf'],
    ['led by an underscore', '__proto__'],
    ['of five segments', 'a/b/c/d/e'],
    ['with a segment of 129 characters', 'a'.repeat(129)],
    ['with a NUL', 'a\0'],
    ['with a line break', 'a\n'],
    ['with a tab', 'a\tb'],
    ['with DEL', 'a\x7f'],
    ['with a C1 control', 'a\x85'],
    ['with a blank', 'a b'],
    ['with a percent sign', 'a%2Fb'],
    ['still percent-encoded', '%2e%2e'],
    ['with a backslash', 'a\\b'],
    ['with a query', 'a?b'],
    ['with a fragment', 'a#b'],
    ['with a star', 'a*'],
    ['with a greater-than sign', 'a>'],
    ['outside ASCII', 'é'],
    ['of full-width letters', 'ａ'],
    ['with a zero-width joiner', 'a\u200d'],
    ['with a lone surrogate', 'a\ud800'],
  ])('[W20] what is %s is none', (_, name) => expect(parseWorkspaceName(name)).toBeUndefined())

  it('[W20] a name goes into a URL’s path and comes out the same', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~:-]{0,20}$/).filter((text) => !text.includes('..'))
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const name = segments.join('/')
        expect(parseWorkspaceName(name)).toBe(name)
        expect(new URL(`ws://host/${name}`).pathname).toBe(`/${name}`)
      }),
    )
  })
})
