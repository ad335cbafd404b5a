import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** One HTML page with the large editor on plain state, showing `text` under the name `label`. */
export async function buildPlainEditor(text: string, label: string): Promise<string> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'warn',
    mode: 'production',
    resolve: { alias: [{ find: './text-binding.ts', replacement: here('./plain-binding.ts') }] },
    build: { write: false, target: 'esnext', rolldownOptions: { input: here('./plain-editor.ts') } },
  })) as Rolldown.RolldownOutput
  const script = output.find((file) => file.type === 'chunk')
  if (script?.type !== 'chunk') throw new Error('a script was expected')
  const inScript = (code: string): string => code.replaceAll('</', '<\\/')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<style>.editor { width: 900px; height: 700px; font: 15px/1.5 system-ui }</style></head><body><div id="editor" class="editor"></div>
<script>globalThis.plainText = ${inScript(JSON.stringify({ text, label }))}</script>
<script type="module">${inScript(script.code)}</script></body></html>`
}
