import { documentRules } from '@joinery/blocks'
import { createServer, type Server } from '@joinery/server'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { createEditorFiles } from '../../apps/server/src/editor-files.mts'
import { openPages } from './open-pages.ts'

/** The editor's pages on a server without a demonstration: an index that is started stays as it is. It ends with the test file. */
export function openPlainServer() {
  const pages = openPages()
  let server: Server
  beforeAll(async () => {
    const files = createEditorFiles({ machines: [] })
    server = createServer({
      rules: documentRules,
      request: (request, response) => {
        if (!files.handle(request, response)) response.writeHead(204).end()
      },
    })
    await server.listen()
  })
  afterAll(() => server?.close())
  const visit = (workspace: string): Promise<Page> => pages.open(`${server.url}/w/${workspace}`)
  const content = (page: Page, title: string) => page.getByRole('textbox', { name: `Content of ${title}` })
  return { pages, visit, content }
}
