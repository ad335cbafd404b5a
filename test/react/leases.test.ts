// @vitest-environment happy-dom
import { useLease, useLeases, WorkspaceProvider } from '@joinery/react'
import { createElement, type ReactNode } from 'react'
import { expect, it } from 'vitest'
import { connect } from '../client/fixture.ts'
import { startHttpServer } from '../client/http-server.ts'
import { until } from '../support/until.ts'
import { open } from './page.ts'

function All(): ReactNode {
  return JSON.stringify(useLeases().list?.map(({ name, fence }) => [name, fence]))
}
function One(): ReactNode {
  return ` ${useLease('import')?.holder} ${useLease('other')?.holder}`
}

it('[R25] useLeases and useLease show who holds what, without the token', async () => {
  const server = await startHttpServer()
  const job = connect(server, { actor: 'job' })
  const lease = await job.leases.acquire('import', { holder: 'import 7' })
  const page = open(createElement(WorkspaceProvider, { workspace: job }, createElement(All), createElement(One)))
  await until('the lease shows', () => page.text() === `[["import",${lease.fence}]] import 7 undefined`)
  expect(page.text()).not.toContain(lease.token)
})
