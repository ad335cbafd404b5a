import { createAuthenticator } from '@joinery/server'
import { expect, it } from 'vitest'
import { bearer, SECRET } from '../testing/bearer.ts'
import { Bookings } from '../testing/bookings.ts'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'
import { taskActionRoutes } from './task-action-routes.ts'
import { taskRoutes } from './task-routes.ts'
import { workRoutes } from './work-routes.ts'

const saga = sagaOf('make', ['one', { name: 'two', kind: 'step', onFailure: 'wait' }])

it('[H122, H123] every route of tasks books its cost to its caller, and the tasks pay for their own edits', async () => {
  const headers = await bearer('Ada', { operator: true, work: ['*'] })
  await using fixture = await TaskFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    worker: headers,
  })
  const { payers, unpaid } = new Bookings(fixture.api.server)
  const left = new Set([...taskRoutes, ...taskActionRoutes, ...workRoutes].map(({ id }) => id))
  const walk = async (id: string, method: string, path: string, body?: unknown) => {
    left.delete(id)
    payers.length = 0
    const answer = await fixture.call(method, path, body, headers)
    expect([200, 201, 202, 204, 409], `${id}: ${answer.status} ${answer.text}`).toContain(answer.status)
    expect(
      payers.map(({ principal }) => principal),
      id,
    ).toContain('Ada')
    const programs = payers.filter(({ principal }) => principal !== 'Ada' && principal !== '!tasks/w')
    expect([programs, unpaid], id).toEqual([[], []])
    return answer.body
  }
  const lease = async (): Promise<string> => {
    const asked = { worker: 'w1', serves: [saga], max: 1, waitMs: 5_000 }
    const { leases } = await walk('leaseWork', 'POST', '/v1/work/leases', asked)
    return `/v1/work/leases/${encodeURIComponent(leases[0].token)}`
  }
  await fixture.announce(saga)
  await fixture.call('PUT', '/blocks/board', { type: 'text' }, headers)
  const about = { saga: 'make', subject: { block: 'board', name: 'template' } }
  const { task } = await walk('startTask', 'POST', '/tasks', about)
  const self = `/tasks/${task.id}`
  await walk('listTasks', 'GET', '/tasks')
  await walk('getTask', 'GET', self)
  await walk('getTaskById', 'GET', `/v1/tasks/${task.id}`)
  await walk('releaseWork', 'POST', `${await lease()}/release`, {})
  const first = await lease()
  await walk('beatWork', 'POST', `${first}/beat`, {})
  await walk('finishWork', 'POST', `${first}/done`, { operations: [{ op: 'put', block: 'made', type: 'text' }] })
  await walk('failWork', 'POST', `${await lease()}/failed`, { error: 'no key', class: 'permanent' })
  await walk('retryTask', 'POST', `${self}/retry`)
  await walk('failWork', 'POST', `${await lease()}/failed`, { error: 'no key', class: 'permanent' })
  await walk('signalTask', 'POST', `${self}/signals/approved`, {})
  await walk('resumeTasks', 'POST', '/tasks/resume')
  await walk('skipStep', 'POST', `${self}/skip`, { step: 'two', result: 2 })
  await walk('cancelTask', 'POST', `${self}/cancel`)
  await walk('terminateTask', 'POST', `${self}/terminate`)
  await walk('streamTask', 'GET', `${self}/events`)
  // A new route needs a request here.
  expect([...left]).toEqual([])
})
