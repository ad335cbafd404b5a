import { describe, expect, it } from 'vitest'
import { allowsOrigin, isLoopbackHost, isOrigin } from './request-origin.ts'
import { parseUpgradeUrl } from './upgrade-request.ts'

describe('upgrade', () => {
  it('[S17] parseUpgradeUrl reads workspace and query when they are well-formed', () => {
    expect(parseUpgradeUrl('/acme/plan%3A1?joinery=1&token=a.b.c&generation=g&source=polling_sync&actor=ann')).toEqual({
      workspace: 'acme/plan:1',
      wantsJoinery: true,
      token: 'a.b.c',
      generation: 'g',
      source: 'polling_sync',
      actor: 'ann',
    })
  })

  it.each([
    '/',
    '',
    '/a/../b',
    '/..',
    '/%2e%2e',
    '/a//b',
    '/a%00b',
    '/a%zz',
    '/a/b/c/d/e',
    '/é',
    '/a b',
    `/${'x'.repeat(129)}`,
  ])('[S17] parseUpgradeUrl refuses the path %s when it names no workspace', (url) => {
    expect(() => parseUpgradeUrl(url)).toThrow(expect.objectContaining({ code: 'bad_workspace' }))
  })

  it('[S18] allowsOrigin lets in what is listed exactly when pages are listed', () => {
    expect(allowsOrigin('https://app.example', ['https://app.example'])).toBe(true)
    expect(allowsOrigin('https://app.example.evil', ['https://app.example'])).toBe(false)
    expect(allowsOrigin(undefined, ['https://app.example'])).toBe(true)
  })

  it.each([
    'https://app.example:8443',
    'tauri://localhost',
    'capacitor://localhost',
    'app://x',
    'chrome-extension://abc',
  ])('[S104] isOrigin takes %s, which then matches exactly', (origin) => {
    expect(isOrigin(origin)).toBe(true)
    expect(allowsOrigin(origin, [origin])).toBe(true)
    expect(allowsOrigin(`${origin}.evil`, [origin])).toBe(false)
  })

  it.each([
    '*',
    'null',
    '',
    'https://*.example.org',
    'app://*',
    'https://a.b/',
    'app://x/',
    'https://a.b:443',
    'file://',
    'file://x',
    'a.b',
    'HTTPS://a.b',
  ])('[S104] isOrigin refuses %s, which no page sends, or every sandboxed page', (text) => {
    expect(isOrigin(text)).toBe(false)
  })

  it('[S18] allowsOrigin lets in only pages of this machine when everyone is anonymous', () => {
    expect(allowsOrigin('http://localhost:5173', 'loopback')).toBe(true)
    expect(allowsOrigin('http://127.0.0.1', 'loopback')).toBe(true)
    expect(allowsOrigin('https://evil.example', 'loopback')).toBe(false)
    expect(allowsOrigin('null', 'loopback')).toBe(false)
    expect(allowsOrigin('http://localhost.evil.example', 'loopback')).toBe(false)
  })

  it('[S19] isLoopbackHost knows the names of this machine when they are spelled in any way', () => {
    expect(['127.0.0.1', '127.1.2.3', 'LocalHost', '::1'].map(isLoopbackHost)).toEqual([true, true, true, true])
    expect(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.evil.org'].map(isLoopbackHost)).toEqual(
      Array(5).fill(false),
    )
  })
})
