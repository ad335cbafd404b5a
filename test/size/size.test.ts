import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import * as plainLogging from '@joinery/client/plain-logging'
import { describe, expect, it } from 'vitest'
import { EDITOR_DIST, ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { type Bundle, bundle, byPackage } from './bundle.ts'

const CONNECT = "export { connectWorkspace } from '@joinery/client'"
const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

/** The bundler's line in README.md. */
function aliasOfReadme(): Record<string, string> {
  const [, from = '', to = ''] = /alias: \{ '(.+?)': '(.+?)' \}/.exec(README) ?? expect.fail('README.md has no alias')
  return { [from]: to }
}

function print(title: string, bytes: number, parts: readonly (readonly [string, number])[]): void {
  if (process.env.JOINERY_SIZES !== '1') return
  console.log(`${title}: ${bytes} bytes gzipped`)
  console.table(parts.map(([part, chars]) => ({ part, chars })))
}

describe('the SDK', () => {
  it('[T80] with Yjs is below 58 kB as README.md says to bundle it, and below 61 kB as it comes', async () => {
    const plain = await bundle(CONNECT)
    const slim = await bundle(CONNECT, aliasOfReadme())
    print('as it comes', plain.bytes, byPackage(plain))
    print('as README.md says', slim.bytes, byPackage(slim))
    print('its modules', slim.bytes, slim.modules)
    expect(plain.bytes, 'see JOINERY_SIZES=1').toBeLessThan(61_000)
    expect(slim.bytes, 'see JOINERY_SIZES=1').toBeLessThan(58_000)
    // The measured bundle is one that works, and no page without the SDK.
    for (const part of ['yjs', 'y-protocols', 'packages/client', 'packages/blocks']) {
      expect(byPackage(slim).map(([name]) => name)).toContain(part)
    }
  })

  it('[T80] leaves out what the application does not use', async () => {
    const modulesOf = ({ modules }: Bundle): string[] => modules.map(([id]) => basename(id))
    const optional = ['history.ts', 'history-pages.ts', 'conflict-log.ts', 'text-field-binding.ts', 'document-rules.ts']
    const connected = modulesOf(await bundle(CONNECT))
    expect(connected.filter((name) => optional.includes(name))).toEqual([])
    expect(connected).toContain('workspace.ts')
    const all = modulesOf(await bundle("export * from '@joinery/client'"))
    expect(optional.filter((name) => !all.includes(name))).toEqual(['document-rules.ts'])
  })

  it('[T80] has in place of what the line leaves out all that Yjs uses of it', async () => {
    const yjs = await readFile(fileURLToPath(import.meta.resolve('yjs')), 'utf8')
    const used = [...yjs.matchAll(/\blogging\.(\w+)/g)].map(([, name = '']) => name)
    expect(used).toContain('print')
    for (const name of used) expect(plainLogging).toHaveProperty(name)
  })
})

describe('the editor', () => {
  it('[T81] loads less than 250 KB of JavaScript before its first page shows', async () => {
    await ensureEditorBuilt()
    const html = await readFile(join(EDITOR_DIST, 'index.html'), 'utf8')
    const entries = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path = '']) => path)
    expect(entries).not.toEqual([])
    const first = new Map<string, number>()
    for (const path of entries) await addStatically(path, first)
    const bytes = [...first.values()].reduce((sum, size) => sum + size)
    print('the first page', bytes, [...first])
    expect(bytes, 'see JOINERY_SIZES=1').toBeLessThan(250_000)
    expect([...first.keys()].join()).not.toContain('history-panel')
  })
})

/** The file and, file by file, what it imports before it runs: `import(...)` is for later. */
async function addStatically(path: string, sizes: Map<string, number>): Promise<void> {
  if (sizes.has(path)) return
  const code = await readFile(join(EDITOR_DIST, path), 'utf8')
  sizes.set(path, gzipSync(code, { level: 9 }).length)
  for (const [, name = ''] of code.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([\w-]+\.js)["']/g)) {
    await addStatically(`/assets/${name}`, sizes)
  }
}
