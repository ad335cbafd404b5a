import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { tempDirectory } from '../support/temp-directory.ts'

it('[A133] a command that reaches a NATS server which says nothing ends with a line that says what to do', async () => {
  await using home = await tempDirectory()
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  try {
    const cluster = ['--cluster', `nats://127.0.0.1:${(silent.address() as AddressInfo).port}`]
    const node = ['--port', '0', '--data', home.path, '--node', 'n1', '--advertise', '127.0.0.1:1']
    const ran = await Promise.all([joinery('serve', ...node, ...cluster), joinery('cluster', 'status', ...cluster)])
    for (const { exit, output } of ran) {
      expect(exit.code).toBe(1)
      expect(output).toContain('no NATS server answers at nats://127.0.0.1:')
    }
    expect(sockets.size).toBeGreaterThan(0)
  } finally {
    for (const socket of sockets) socket.destroy()
    silent.close()
  }
})
