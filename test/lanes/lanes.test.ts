import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { startChild } from '../support/child-process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const VITEST = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))

/** Every way into a server, or to its end, and a test of `npm test` that goes that way. */
const DOORS = {
  'stock socket': 'test/conformance/stock-client.test.ts',
  SDK: 'test/client/saving.test.ts',
  HTTP: 'test/api/live-clients.test.ts',
  browser: 'test/editor/editor.test.ts',
  kill: 'test/crash/one-kill.test.ts',
  'disk full': 'test/fault/disk-full.test.ts',
}

/** Paths of the test files that a script of package.json runs. */
async function filesOf(...projects: string[]): Promise<string[]> {
  const child = startChild({ args: [VITEST, 'list', '--filesOnly', '--json', ...projects], cwd: ROOT })
  expect((await child.exited).code, child.output()).toBe(0)
  const listed = JSON.parse(child.stdout().slice(child.stdout().indexOf('['))) as readonly { file: string }[]
  return listed.map(({ file }) => relative(ROOT, file))
}

async function testFiles(): Promise<string[]> {
  const found: string[] = []
  for (const top of ['packages', 'apps', 'test']) {
    for (const entry of await readdir(join(ROOT, top), { withFileTypes: true, recursive: true })) {
      const path = relative(ROOT, join(entry.parentPath, entry.name))
      if (/\.test\.m?tsx?$/.test(path) && !path.includes('node_modules')) found.push(path)
    }
  }
  return found.sort()
}

describe('lanes', () => {
  let quick: string[]
  let long: string[]
  let nightly: string[]
  beforeAll(async () => {
    ;[quick, long, nightly] = await Promise.all([
      filesOf('--project', '!long-*'),
      filesOf('--project', 'long-*'),
      filesOf('--config', 'vitest.nightly.config.ts'),
    ])
  })

  it('[T86] every test file is in exactly one lane, and its suffix says in which', async () => {
    const isNightly = (path: string) => /\.nightly\.test\.m?ts$/.test(path)
    expect([...quick, ...long, ...nightly.filter(isNightly)].sort()).toEqual(await testFiles())
    const isLong = (path: string) => /\.(crash|fuzz|property|long)\.test\.m?ts$/.test(path)
    expect(quick.filter(isLong)).toEqual([])
    expect(long.filter((path) => !isLong(path))).toEqual([])
  })

  it('[T87] a test of npm test goes through each door', () => {
    expect(Object.entries(DOORS).filter(([, path]) => !quick.includes(path))).toEqual([])
  })
})
