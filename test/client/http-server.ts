import { createApi } from '@joinery/api'
import { documentRules } from '@joinery/blocks'
import { createServer, type ServerOptions } from '@joinery/server'
import { freePort } from '../support/free-port.ts'
import { closing, type RunningServer } from './fixture.ts'

/** A server in this process with the HTTP face on its port, in memory unless the options say otherwise; closed with the test. */
export async function startHttpServer(options: ServerOptions = {}): Promise<RunningServer> {
  const server = createServer({
    port: await freePort(),
    rules: documentRules,
    ...options,
    request: (request, response) => {
      if (!api.handle(request, response)) response.writeHead(404).end()
    },
  })
  const { authenticator } = options
  const api = await createApi({
    workspaces: server.workspaces,
    durability: 'memory',
    ...(authenticator && { authenticator }),
  })
  const close = async (): Promise<void> => {
    await api.close()
    await server.close()
  }
  closing({ close })
  await server.listen()
  const { url } = server
  return { url, port: Number(new URL(url).port), close }
}
