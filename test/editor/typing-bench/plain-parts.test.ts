import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const EDITOR = fileURLToPath(new URL('../../../apps/editor/src/', import.meta.url))

/** The values that the editor imports from a package. Types are not built. */
function importedFrom(name: string): Set<string> {
  const sources = globSync('**/*.{ts,tsx}', { cwd: EDITOR, exclude: (path) => path.includes('.test.') })
  const imports = new RegExp(`import \\{([^}]*)\\} from '${name}'`, 'g')
  const names = sources.flatMap((path) =>
    [...readFileSync(EDITOR + path, 'utf8').matchAll(imports)].flatMap(([, list = '']) => list.split(',')),
  )
  return new Set(names.map((it) => it.trim()).filter((it) => it !== '' && !it.startsWith('type ')))
}

it('[E134] the plain page of the benches has each part that the editor takes from its packages', async () => {
  Object.assign(globalThis, { plainBlocks: [] })
  const elsewhere = new Set(['WorkspaceProvider'])
  for (const [name, plain] of [
    ['@joinery/react', await import('./plain-hooks.ts')],
    ['@joinery/react-flow', await import('./plain-flow.ts')],
  ] as const) {
    const imported = importedFrom(name)
    expect(imported.size).toBeGreaterThan(5)
    expect([...imported].filter((it) => !(it in plain) && !elsewhere.has(it))).toEqual([])
  }
})
