// @vitest-environment happy-dom
import { useLease, useLeases, WorkspaceProvider } from '@joinery/react'
import { createElement, type ReactNode } from 'react'
import { expect, it } from 'vitest'
import { connect } from '../client/fixture.ts'
import { startHttpServer } from '../client/http-server.ts'
import { until } from '../support/until.ts'
import { open } from './page.ts'

function List({ renders }: { renders: string[] }): ReactNode {
  const { list, error } = useLeases()
  const text = error?.code ?? list?.map(({ name, holder, waiting }) => `${name} ${holder} ${waiting}`).join() ?? 'asks'
  renders.push(text)
  return text
}
function One(): ReactNode {
  return ` one: ${useLease('import')?.holder ?? 'nobody'}`
}
function Names(): ReactNode {
  const { list, error } = useLeases()
  return `${list?.map(({ name }) => name).join()} ${error?.code ?? 'fine'}`
}

it('[R25, C104] the leases show while a component shows them, and render nothing when one is renewed', async () => {
  let requests = 0
  const server = await startHttpServer()
  const job = connect(server, { actor: 'job' })
  const lease = await job.leases.acquire('import', { ttlMs: 600, holder: 'import 7' })
  const renders: string[] = []
  const watching = connect(server, { actor: 'ann' })
  const ask = watching.leases.list.bind(watching.leases)
  watching.leases.list = (options) => {
    requests++
    return ask(options)
  }
  const page = open(
    createElement(WorkspaceProvider, { workspace: watching }, createElement(List, { renders }), createElement(One)),
  )
  await until('the lease shows', () => page.text() === 'import import 7 0 one: import 7')
  const [asked, rendered] = [requests, renders.length]
  await until('the server was asked twice more', () => requests >= asked + 2)
  expect(renders).toHaveLength(rendered)
  await lease.release()
  await until('nobody holds it', () => page.text() === ' one: nobody')
  page.unmount()
  const last = requests
  const second = await job.leases.acquire('import')
  await second.release()
  expect(requests).toBe(last)
})

it('[C104] an error keeps the last list, and the list is right again when there is a server', async () => {
  const server = await startHttpServer()
  const ann = connect(server)
  await (await ann.leases.acquire('import', { ttlMs: 60_000 })).release()
  const held = await ann.leases.acquire('words', { ttlMs: 60_000 })
  const page = open(createElement(WorkspaceProvider, { workspace: ann }, createElement(Names)))
  await until('the lease shows', () => page.text() === 'words fine')
  await server.close()
  await until('the error shows', () => page.text() === 'words unreachable')
  expect(held.fence).toBeGreaterThan(0)
  await startHttpServer({ port: server.port })
  await until('the new server, in memory, has none', () => page.text() === ' fine')
})
