import { afterEach, expect, it, vi } from 'vitest'
import { parseOptions } from './workspace-options.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  Reflect.deleteProperty(globalThis, 'indexedDB')
})

it('[C19] a browser that throws where a page looks for IndexedDB keeps no copy, and the client opens', () => {
  vi.stubGlobal('window', globalThis)
  Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value: {} })
  const options = { url: 'ws://127.0.0.1:1', workspace: 'w' }
  const kept = JSON.stringify(parseOptions(options))
  Object.defineProperty(globalThis, 'indexedDB', {
    configurable: true,
    get: () => {
      throw new DOMException('denied', 'SecurityError')
    },
  })
  expect(JSON.stringify(parseOptions(options))).not.toBe(kept)
  expect(() => parseOptions({ ...options, offline: true })).toThrow('there is no IndexedDB here')
})
