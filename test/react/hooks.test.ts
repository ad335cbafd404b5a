// @vitest-environment happy-dom
import type { ClientError, WorkspaceOptions } from '@joinery/client'
import {
  useBlocks,
  useConnectionStatus,
  useContent,
  useContentField,
  useDifference,
  useEdges,
  useField,
  useHistory,
  useIndexingList,
  usePresence,
  useProvenance,
  useSaveStatus,
  useStateAt,
  useUndo,
  useWorkspace,
  WorkspaceProvider,
} from '@joinery/react'
import { type Authenticator, createAuthenticator } from '@joinery/server'
import { Component, createElement, type ReactNode, StrictMode, Suspense } from 'react'
import { describe, expect, it } from 'vitest'
import { connect, textOf } from '../client/fixture.ts'
import { startHttpServer } from '../client/http-server.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { open, show } from './page.ts'

const author = { source: 'user_action', actor: 'ann' } as const

function within(options: Partial<WorkspaceOptions> & { url: string }, ...nodes: ReactNode[]): ReactNode {
  return createElement(WorkspaceProvider, { options: { workspace: 'w', offline: false, ...options } }, ...nodes)
}

function Words({ useText }: { useText: () => string }): ReactNode {
  return createElement('p', null, useText())
}
function Field(): ReactNode {
  return createElement('textarea', { ref: useContentField('b') })
}
const words = (useText: () => string): ReactNode => createElement(Words, { useText })

class Boundary extends Component<{ children: ReactNode }, { code?: string }> {
  override state: { code?: string } = {}
  static getDerivedStateFromError = (error: ClientError): { code: string } => ({ code: `refused: ${error.code}` })
  override render(): ReactNode {
    return this.state.code ?? this.props.children
  }
}

/** As README.md says: an error boundary that resets itself once there is another attempt. */
function Guarded({ children }: { children?: ReactNode }): ReactNode {
  return createElement(Boundary, { key: useConnectionStatus() === 'refused' ? 'refused' : 'open', children })
}

describe('the provider, against a server', () => {
  it('[R1] opens one connection when StrictMode mounts everything twice, and ends it when it is gone', async () => {
    const identify = createAuthenticator({ secret: SECRET })
    let connections = 0
    const authenticator: Authenticator = (request) => {
      connections++
      return identify(request)
    }
    const server = await startHttpServer({ authenticator })
    const token = await makeToken({ sub: 'ann' })
    const status = show(useConnectionStatus)
    const others = show(() => String(usePresence().others.length))
    const page = open(createElement(StrictMode, null, within({ ...server, token }, status.node, others.node)))
    await expect.poll(page.text).toBe('connected0')
    expect(connections).toBe(1)
    const witness = connect(server, { token })
    await witness.whenSynced
    const headers = { authorization: `Bearer ${token}` }
    const connected = async () =>
      ((await (await fetch(`${server.url}/v1/workspaces/w`, { headers })).json()) as { connections: number })
        .connections
    expect(await connected()).toBe(2)
    page.unmount()
    await expect.poll(connected).toBe(1)
  })

  it('[R4] waits in Suspense for the first sync, and shows no fallback when the document is replaced later', async () => {
    const server = await startHttpServer()
    const other = connect(server)
    textOf(other).insert(0, 'from the server')
    await other.whenDurable()
    const page = show(() => {
      useWorkspace({ waitFor: 'synced' })
      return useContent('b').value
    })
    const fallback = show(() => 'waiting')
    const { text } = open(within(server, createElement(Suspense, { fallback: fallback.node }, page.node)))
    await expect.poll(text).toBe('from the server')
    // Never a page without content: it came with the first sync.
    expect(page.renders.every((shown) => shown === 'from the server')).toBe(true)
    expect(fallback.renders.length).toBeGreaterThan(0)
    const waited = fallback.renders.length
    await server.close()
    const anew = await startHttpServer({ port: server.port })
    const newcomer = connect(anew, { workspace: 'w' })
    textOf(newcomer).insert(0, 'another')
    await expect.poll(text).toBe('another')
    expect(fallback.renders).toHaveLength(waited)
  })

  it('[R4] throws to the error boundary when the server refuses', async () => {
    const server = await startHttpServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const page = show(() => {
      useWorkspace({ waitFor: 'synced' })
      return 'synced'
    })
    const guarded = createElement(Boundary, null, createElement(Suspense, { fallback: 'waiting' }, page.node))
    const { text } = open(within({ ...server, token: 'no token' }, guarded))
    await expect.poll(text).toBe('refused: unauthorized')
  })

  it('[R21] connects anew with another token after a refusal, and shows what waited', async () => {
    const server = await startHttpServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const page = show(() => {
      useWorkspace({ waitFor: 'synced' })
      return 'synced'
    })
    const waiting = createElement(Suspense, { fallback: 'waiting' }, page.node)
    const tree = (token: string): ReactNode => within({ ...server, token }, createElement(Guarded, null, waiting))
    const { text, update } = open(tree('no token'))
    await expect.poll(text).toBe('refused: unauthorized')
    update(tree(await makeToken({ sub: 'ann' })))
    await expect.poll(text).toBe('synced')
  })

  it('[R1] keeps two providers on one page apart, of one workspace or of two', async () => {
    const server = await startHttpServer()
    const shows = ['one', 'one', 'other'].map((workspace) => ({ workspace, page: show(() => useContent('b').value) }))
    const trees = shows.map(({ workspace, page }) => within({ ...server, workspace }, page.node))
    open(createElement(StrictMode, null, ...trees))
    const writer = connect(server, { workspace: 'one' })
    textOf(writer).insert(0, 'here')
    await expect.poll(() => shows.map(({ page }) => page.renders.at(-1))).toEqual(['here', 'here', ''])
  })
})

describe('hooks, against a server', () => {
  it('[R11] show the new document when the workspace on the server is another one', async () => {
    const server = await startHttpServer()
    const everything = words(() => {
      const shown = [useBlocks(), useContent('b').value, useField('b', 'title'), useEdges().map(({ id }) => id)]
      const statuses = useIndexingList('b').map(({ index_name, status }) => `${index_name} ${status}`)
      return JSON.stringify([...shown, statuses, useUndo().canUndo, useSaveStatus().state])
    })
    const { container } = open(within({ ...server, actor: 'ann' }, everything, createElement(Field)))
    const textarea = () => container.querySelector('textarea')
    const shown = () => JSON.parse(container.querySelector('p')?.textContent ?? 'null')

    const other = connect(server)
    textOf(other).insert(0, 'then')
    other.blocks.get('b')?.fields.set('title', 'Then', author)
    other.blocks.get('b')?.indexingList.startRun('main', author)
    other.doc.getMap('edges').set('e', { source: 'b', target: 'b' })
    await expect.poll(shown).toEqual([['b'], 'then', 'Then', ['e'], ['main processing'], false, 'saved'])
    expect(textarea()?.value).toBe('then')
    await other.close()

    await server.close()
    const anew = await startHttpServer({ port: server.port })
    const newcomer = connect(anew)
    newcomer.blocks.create('c', { type: 'text' })
    textOf(newcomer).insert(0, 'now')
    await expect.poll(() => shown().slice(0, 6)).toEqual([['b', 'c'], 'now', null, [], [], false])
    await expect.poll(() => textarea()?.value).toBe('now')
    // It is the new document that the field writes into.
    const field = textarea() ?? expect.fail('no field')
    field.value = 'now and then'
    field.dispatchEvent(new Event('input'))
    await expect.poll(() => newcomer.blocks.get('b')?.text).toBe('now and then')
  })

  it('[R15] show records, past states and differences, follow what is written, and restore', async () => {
    const server = await startHttpServer()
    const writer = connect(server, { actor: 'ann' })
    await writer.whenSynced
    textOf(writer).insert(0, 'Measure twice.')
    const then = (await writer.whenDurable()).lsn ?? expect.fail('no LSN')
    textOf(writer).insert(14, ' Cut once.')
    const now = (await writer.whenDurable()).lsn ?? expect.fail('no LSN')

    let restore: () => Promise<unknown> = () => expect.fail('not rendered')
    const records = show(() => {
      const { records, history, isLoading, error } = useHistory({ actor: 'ann' })
      restore = () => history.restore(then)
      return JSON.stringify({ lsns: records.map(({ lsn }) => lsn), isLoading, failed: error !== undefined })
    })
    const past = show(() => {
      const answer = useStateAt(then)
      return answer.state === 'ready' ? answer.value.blocks.map(({ content }) => content).join() : answer.state
    })
    const difference = show(() => {
      const answer = useDifference(then, now)
      return answer.state === 'ready' ? (answer.value.changed[0]?.content?.after ?? 'none') : answer.state
    })
    open(createElement(StrictMode, null, within({ ...server, actor: 'ann' }, records.node, past.node, difference.node)))
    const known = Array.from({ length: now }, (_, index) => now - index)
    const last = () => JSON.parse(records.renders.at(-1) ?? 'null')
    await expect.poll(last).toEqual({ lsns: known, isLoading: false, failed: false })
    await expect.poll(() => past.renders.at(-1)).toBe('Measure twice.')
    expect(past.renders).toContain('loading')
    await expect.poll(() => difference.renders.at(-1)).toBe('Measure twice. Cut once.')
    await restore()
    await expect.poll(() => writer.blocks.get('b')?.text).toBe('Measure twice.')
    await expect.poll(() => last().lsns).toEqual([now + 1, ...known])
  })

  it('[R16] show who last touched a block and its parts, and render when somebody does that', async () => {
    const server = await startHttpServer()
    const [ann, job] = [
      connect(server, { actor: 'ann' }),
      connect(server, { actor: 'job', source: 'workflow_execution' }),
    ]
    await Promise.all([ann.whenSynced, job.whenSynced])
    textOf(ann).insert(0, 'typed')
    await ann.whenDurable()
    const by = (part?: 'content' | 'indexingList') =>
      show(() => {
        const stamp = useProvenance('b', part)
        return stamp === undefined ? 'nobody' : `${stamp.actor} as ${stamp.source}`
      })
    const [whole, content, list] = [by(), by('content'), by('indexingList')]
    open(within(server, whole.node, content.node, list.node))
    await expect.poll(() => content.renders.at(-1)).toBe('ann as user_action')
    const rendered = content.renders.length
    await expect.poll(() => job.blocks.get('b')).toBeDefined()
    job.blocks.get('b')?.indexingList.startRun('main', { source: 'workflow_execution', actor: 'job' })
    await expect.poll(() => list.renders.at(-1)).toBe('job as workflow_execution')
    await expect.poll(() => whole.renders.at(-1)).toBe('job as workflow_execution')
    expect(content.renders).toHaveLength(rendered)
  })
})
