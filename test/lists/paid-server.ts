import { createApi } from '@joinery/api'
import { CLAIM_LISTS, type ClaimList, defineDocumentRules } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { openLevelStore } from '@joinery/log'
import { createAuthenticator, createServer } from '@joinery/server'
import { RawClient } from '../support/raw-client.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { PAYMENTS } from './payments.ts'

/** The table of an application that has payments. */
const LISTS: readonly ClaimList[] = [...CLAIM_LISTS, PAYMENTS]

export interface PaidServer extends AsyncDisposable {
  readonly url: string
  /** A client of the SDK, synced, that speaks for one source. */
  connect(actor: string, source: string): Promise<Workspace>
  /** A socket that speaks the wire frame by frame. */
  raw(actor: string, source: string): Promise<RawClient>
  /** Asks the HTTP API as `ada`. `path` follows `/v1/workspaces/w`. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  ask(method: string, path: string, body?: unknown): Promise<any>
}

/** A server with keys on a directory, with its HTTP API, for documents whose blocks have `lists`. */
export async function startPaidServer(directory: string, lists = LISTS): Promise<PaidServer> {
  await using stack = new AsyncDisposableStack()
  const store = await openLevelStore({ directory, durability: 'async' })
  const authenticator = await createAuthenticator({ secret: SECRET })
  const server = createServer({
    store,
    authenticator,
    rules: defineDocumentRules({ lists }),
    request: (request, response) => void api.handle(request, response),
  })
  const api = await createApi({ workspaces: server.workspaces, durability: 'async', authenticator, lists })
  stack.defer(() => store.close())
  stack.defer(() => server.close())
  stack.defer(() => api.close())
  await server.listen()
  const { url } = server
  const owned = stack.move()
  return {
    url,
    async connect(actor, source) {
      const token = await makeToken({ sub: actor, sources: [source] })
      const workspace = connectWorkspace({ url, workspace: 'w', token, offline: false, lists })
      owned.defer(() => workspace.close())
      await workspace.whenSynced
      return workspace
    },
    async raw(actor, source) {
      const query = { token: await makeToken({ sub: actor, sources: [source] }) }
      const client = await RawClient.open({ url: url.replace(/^http/, 'ws'), path: 'w', query, wantsJoinery: true })
      owned.defer(() => client.cut())
      return client
    },
    async ask(method, path, body) {
      const response = await fetch(`${url}/v1/workspaces/w${path}`, {
        method,
        headers: { authorization: `Bearer ${await makeToken()}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      return response.json()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
