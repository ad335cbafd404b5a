import { gzipSync } from 'node:zlib'
import { build, type Plugin, type Rolldown } from 'vite'

export interface Bundle {
  readonly code: string
  /** Gzipped, level 9. */
  readonly bytes: number
  /** Modules of the bundle, by the characters of them that were kept before minifying, largest first. */
  readonly modules: readonly (readonly [id: string, chars: number])[]
}

const ENTRY = 'size-of-entry'

/** The one entry of the build, whose source is `code`; it resolves names as a file of this folder would. */
function entry(code: string): Plugin {
  const id = `${import.meta.dirname}/${ENTRY}.tsx`
  return {
    name: ENTRY,
    enforce: 'pre',
    resolveId: (source) => (source === ENTRY ? id : undefined),
    load: (loaded) => (loaded === id ? code : undefined),
  }
}

/** Bundles `code` as an application's production build would, in memory. `alias` is the bundler's own. */
export async function bundle(code: string, alias: Readonly<Record<string, string>> = {}): Promise<Bundle> {
  const built = (await build({
    configFile: false,
    logLevel: 'silent',
    mode: 'production',
    plugins: [entry(code)],
    resolve: { alias },
    build: {
      write: false,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: { input: ENTRY, preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput
  if (built.output.length !== 1) throw new Error(`one file was expected, not ${built.output.length}`)
  const [chunk] = built.output
  const modules = Object.entries(chunk.modules)
    .map(([id, { renderedLength }]) => [id, renderedLength] as const)
    .filter(([, chars]) => chars > 0)
    .sort(([, a], [, b]) => b - a)
  return { code: chunk.code, bytes: gzipSync(chunk.code, { level: 9 }).length, modules }
}

/** Characters by package, largest first: `yjs`, `lib0`, `packages/client`, ... */
export function byPackage({ modules }: Bundle): [name: string, chars: number][] {
  const sums = new Map<string, number>()
  for (const [id, chars] of modules) {
    const name =
      /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(id)?.[1] ?? /packages\/\w+/.exec(id)?.[0] ?? id
    sums.set(name, (sums.get(name) ?? 0) + chars)
  }
  return [...sums].sort(([, a], [, b]) => b - a)
}
