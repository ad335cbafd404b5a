import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type BuiltEditor, readBuiltEditor } from '../../apps/server/src/built-editor.mts'
import { EDITOR_DIST } from '../../apps/server/src/editor-build.mts'
import { createEditorFiles } from '../../apps/server/src/editor-files.mts'

/** A server of the page alone, without workspaces: a page that it serves is offline. */
export interface ServedBuilds extends AsyncDisposable {
  readonly url: string
  /** From now on the server has a build that differs in each file, and no file of the one before. */
  deploy(name: string): void
}

export async function serveBuilds(): Promise<ServedBuilds> {
  const first = await readBuiltEditor(EDITOR_DIST)
  let editor = createEditorFiles({ machines: [], read: async () => first })
  const server = createServer((request, response) => {
    if (!editor.handle(request, response)) response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deploy(name) {
      editor = createEditorFiles({ machines: [], read: async () => renamed(first, name) })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The same build under other names, as a change in each file makes them. */
function renamed({ page, files }: BuiltEditor, name: string): BuiltEditor {
  const hashed = [...files.keys()].filter((path) => path.startsWith('/assets/')).map((path) => path.slice(8))
  const rename = (text: string): string =>
    hashed
      .reduce((all, file) => all.replaceAll(file, file.replace(/\.(?=\w+$)/, `-${name}.`)), text)
      .replace(/(?<=const VERSION = ")\w+/, name)
  return {
    page: rename(page),
    files: new Map(
      [...files].map(([path, file]) => {
        const bytes = Buffer.from(rename(file.bytes.toString()))
        return [rename(path), { ...file, bytes, gzipped: gzipSync(bytes), etag: `"${name} ${path}"` }]
      }),
    ),
  }
}
