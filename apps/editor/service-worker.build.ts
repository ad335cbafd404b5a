import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const SOURCE = fileURLToPath(new URL('service-worker.js', import.meta.url))

/** Vite plugin that writes `service-worker.js` beside the page, with the list of this build's files. */
export function serviceWorker(): Plugin {
  return {
    name: 'joinery-service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => name.startsWith('assets/'))
        .map((name) => `/${name}`)
        .sort()
      const version = createHash('sha256').update(files.join()).digest('hex').slice(0, 12)
      const source = readFileSync(SOURCE, 'utf8')
        .replace('self.__FILES', JSON.stringify(files))
        .replace('self.__VERSION', JSON.stringify(version))
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source })
    },
  }
}
