import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readBuiltEditor } from './built-editor.mts'
import { createEditorFiles } from './editor-files.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

/** Puts a build in place of the one that is there, as a second server does that starts on newer sources. */
async function build(dist: string, hash: string): Promise<void> {
  const draft = `${dist}-draft`
  await mkdir(join(draft, 'assets'), { recursive: true })
  await writeFile(join(draft, 'index.html'), `<head><script src="/assets/index-${hash}.js"></script></head>`)
  await writeFile(join(draft, 'assets', `index-${hash}.js`), `import('./panel-${hash}.js')`)
  await writeFile(join(draft, 'assets', `panel-${hash}.js`), hash)
  await rm(dist, { recursive: true, force: true })
  await rename(draft, dist)
}

it('[A193] a page names only files that its server has, also after the editor was built anew beneath it', async () => {
  const home = await temporaryDirectory()
  const dist = join(home, 'dist')
  await build(dist, 'one')
  const editor = createEditorFiles({ machines: [], read: () => readBuiltEditor(dist) })
  const server = createServer((request, response) => {
    if (!editor.handle(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const get = (path: string, init?: RequestInit) => fetch(url + path, init)
  try {
    expect(await (await get('/w/demo')).text()).toContain('index-one.js')
    await build(dist, 'two')
    const page = await (await get('/w/demo')).text()
    const [script = ''] = /\/assets\/[\w.-]+/.exec(page) ?? []
    expect(await (await get(script)).text()).toBe("import('./panel-one.js')")
    // Files that the page loads only when it needs them are there, too.
    const panel = await get('/assets/panel-one.js')
    expect([panel.status, panel.headers.get('content-type'), await panel.text()]).toEqual([
      200,
      'text/javascript;charset=utf-8',
      'one',
    ])
    // `fetch` takes gzip unless it is told otherwise.
    expect([panel.headers.get('content-encoding'), panel.headers.get('vary')]).toEqual(['gzip', 'accept-encoding'])
    const etag = panel.headers.get('etag') ?? expect.fail('no ETag')
    const again = await get('/assets/panel-one.js', { headers: { 'if-none-match': `${etag}, "other"` } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const plain = { 'accept-encoding': 'gzip;q=0, br' }
    const head = await get('/assets/panel-one.js', { method: 'HEAD', headers: plain })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '3', ''])
    expect(head.headers.get('content-encoding')).toBe(null)
    for (const path of ['/assets/panel-two.js', '/assets/%2e%2e/index.html', '/assets/', '/assets/constructor'])
      expect((await get(path)).status).toBe(404)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

it('[A193] a directory without a page, or with a file of an unknown type, is no build', async () => {
  const home = await temporaryDirectory()
  await expect(readBuiltEditor(home)).rejects.toMatchObject({ code: 'start', message: /no page/ })
  await writeFile(join(home, 'index.html'), '')
  await writeFile(join(home, 'a.exe'), '')
  await expect(readBuiltEditor(home)).rejects.toMatchObject({ code: 'start', message: /unknown type: \/a\.exe/ })
})
