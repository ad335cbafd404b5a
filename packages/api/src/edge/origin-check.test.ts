import { expect, it } from 'vitest'
import { isForeignHost } from './origin-check.ts'

it.each([
  ['localhost:1234', '127.0.0.1', false],
  ['[::1]:1234', '::1', false],
  ['evil.example', '127.0.0.1', true],
  ['evil.example:1234', '::ffff:127.0.0.1', true],
  // The host of a page that may call: a proxy on this machine passes it on.
  ['App.example:1234', '127.0.0.1', false],
  // Callers from other machines (--insecure) use another host name.
  ['box.example', '192.168.0.5', false],
  [undefined, '127.0.0.1', false],
] as const)('[H16] a request to %s that arrives at %s is taken for a foreign page’s: %s', (host, address, expected) => {
  expect(isForeignHost(host, address, ['https://app.example', 'tauri://localhost'])).toBe(expected)
})
