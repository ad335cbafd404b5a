import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFrontDoor } from './front-door.mts'
import { parseServeConfig } from './serve-config.mts'

/** The front door on a real socket; the Host header can be anything. */
async function open(options: Record<string, unknown> = {}, environment = {}) {
  const door: RequestListener = createFrontDoor(
    { config: parseServeConfig(options, environment, '/srv'), machines: [], filesOrigin: undefined },
    () => undefined,
  )
  const server = createServer(door)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('start page', () => {
  it('[A20] says what runs where, and loads one script of its own and nothing from anywhere else', async () => {
    const url = await open()
    const response = await fetch(url)
    const page = await response.text()
    expect(response.status).toBe(200)
    expect(page).toContain(url.replace('http', 'ws'))
    for (const fact of [
      '/healthz',
      '/srv/data',
      'async',
      'Development mode',
      'connectWorkspace',
      'WebsocketProvider',
    ]) {
      expect(page).toContain(fact)
    }
    expect(page).not.toMatch(/\b(src|href)="(?!\/(?:healthz|w\/demo|v1\/openapi\.json|first-screen\.js)")/)
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-/,
    )
  })

  it('[A20] keeps the data directory and the warning to itself when they are not for the reader', async () => {
    const url = await open({ host: '0.0.0.0' }, { JOINERY_JWT_SECRET: 'x'.repeat(32) })
    const page = await (await fetch(url)).text()
    expect(page).not.toContain('/srv/data')
    expect(page).not.toContain('Development mode')
  })

  it('[A20] does not repeat a Host header that is no host, and says wss behind a TLS proxy', async () => {
    const url = await open()
    const { request } = await import('node:http')
    const get = (headers: Record<string, string>) =>
      new Promise<string>((resolve, reject) => {
        request(url, { headers }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text
          })
          response.on('end', () => resolve(body))
        })
          .on('error', reject)
          .end()
      })
    expect(await get({ host: '"><script>alert(1)</script>' })).not.toContain('<script>')
    expect(await get({ host: 'sync.example.org', 'x-forwarded-proto': 'https' })).toContain('wss://sync.example.org')
  })

  it('[A20] answers 404 elsewhere and 405 to what is neither GET nor HEAD', async () => {
    const url = await open()
    expect((await fetch(`${url}/favicon.ico`)).status).toBe(404)
    const posted = await fetch(url, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})
