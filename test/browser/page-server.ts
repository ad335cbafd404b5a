import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'

/** Bundles page.ts as an application would be, in memory. */
export async function bundlePage(): Promise<string> {
  const output = (await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'esnext',
      rolldownOptions: { input: fileURLToPath(new URL('./page.ts', import.meta.url)) },
    },
  })) as Rolldown.RolldownOutput
  const chunk = output.output[0]
  if (output.output.length !== 1) throw new Error(`one file was expected, not ${output.output.length}`)
  return chunk.code
}

/**
 * Serves the bundle in a page of its own, apart from the sync server, so that the page loads while that one is down. `body`
 * stands before the script.
 */
export async function servePage(code: string, body = ''): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(code)
      return
    }
    const html = `<body>${body}<script type="module" src="/page.js"></script>`
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
