/**
 * The floor of a gateway: a proxy of bytes between two sockets that knows nothing of workspaces.
 * usage: node pipe.ts PORT TARGET_PORT
 */
import { connect, createServer } from 'node:net'

const [port, target] = process.argv.slice(2)
const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port: Number(target), noDelay: true })
  client.pipe(upstream).pipe(client)
  for (const socket of [client, upstream]) {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      client.destroy()
      upstream.destroy()
    })
  }
})
server.listen(Number(port), '127.0.0.1', () => console.log('pipe listening'))
process.once('SIGTERM', () => process.exit(0))
