import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** One HTML page: the editor's own components and styles on plain state, showing `blocks` and `edges`. */
export async function buildPlainPage(blocks: readonly object[], edges: readonly object[] = []): Promise<string> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    mode: 'production',
    resolve: {
      alias: [
        { find: /^@joinery\/react$/, replacement: here('./plain-hooks.ts') },
        { find: /^@joinery\/react-flow$/, replacement: here('./plain-flow.ts') },
        { find: './text-binding.ts', replacement: here('./plain-binding.ts') },
      ],
      dedupe: ['react', 'react-dom', '@xyflow/react', 'yjs'],
    },
    build: {
      write: false,
      target: 'esnext',
      cssCodeSplit: false,
      rolldownOptions: { input: here('./plain-page.ts'), output: { codeSplitting: false } },
    },
  })) as Rolldown.RolldownOutput
  const script = output.find((file) => file.type === 'chunk')
  const styles = output.find((file) => file.type === 'asset' && file.fileName.endsWith('.css'))
  if (script?.type !== 'chunk' || styles?.type !== 'asset') throw new Error('a script and its styles were expected')
  const inScript = (text: string): string => text.replaceAll('</', '<\\/')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>${styles.source}</style></head>
<body><div id="root"></div><script>globalThis.plainBlocks = ${inScript(JSON.stringify(blocks))}; globalThis.plainEdges = ${inScript(JSON.stringify(edges))}</script>
<script type="module">${inScript(script.code)}</script></body></html>`
}
