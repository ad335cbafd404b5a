import { createServer } from '@joinery/server'
import { expect, it } from 'vitest'
import { WORKSPACE_NAME } from './workspace-name.ts'

const segment = 'a'.repeat(128)
const names: [string, boolean][] = [
  ['w', true],
  ['acme/docs', true],
  ['a/b/c/d', true],
  [segment, true],
  [`${segment}/${segment}`, true],
  ['0.a_b~c:d-e', true],
  ['', false],
  ['a/', false],
  ['/a', false],
  ['a//b', false],
  ['a/b/c/d/e', false],
  [`${segment}a`, false],
  ['-a', false],
  ['.a', false],
  ['a..b', false],
  ['a/b..', false],
  ['ä', false],
  ['a b', false],
  ['a\n', false],
]

it.each(names)('[H14] the name %j is taken: %s, as the wire does', async (name, isName) => {
  expect(WORKSPACE_NAME.test(name)).toBe(isName)
  const server = createServer()
  await server.listen()
  try {
    const url = `${server.url.replace('http', 'ws')}/${encodeURIComponent(name)}`
    const opened = await new Promise<boolean>((resolve) => {
      const socket = new WebSocket(url)
      socket.onopen = () => {
        socket.close()
        resolve(true)
      }
      socket.onerror = () => resolve(false)
    })
    expect(opened).toBe(isName)
  } finally {
    await server.close()
  }
})
