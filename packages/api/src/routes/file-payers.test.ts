import { createBlock } from '@joinery/blocks'
import { DiskStore, FILE_LIMITS, Files, OutsideReads, Secrets } from '@joinery/resources'
import { createAuthenticator, type WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import { fileDocuments } from '../tasks/file-documents.ts'
import { bearer, SECRET } from '../testing/bearer.ts'
import { Bookings } from '../testing/bookings.ts'
import { TaskFixture } from '../testing/task-fixture.ts'
import { fileRoutes } from './file-routes.ts'
import { outsideRoutes } from './outside-routes.ts'

/** A service of files, which nobody asks: no block names a resource of it. */
const OUTSIDE = { cache: { freshMs: 1, staleMs: 1 }, query: () => Promise.reject(new Error('asked')) }

it('[H122] every route of files and of outside resources books its cost to its caller, who pays for the documents', async () => {
  const headers = await bearer('Ada')
  const store = new DiskStore({ directory: '/nowhere', ticketMs: 1_000 })
  await using fixture = await TaskFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    filesOf: (server, tasks) =>
      new Files({
        ...{ store, tasks, documents: fileDocuments(server), limits: FILE_LIMITS },
        onArrivalsError: () => {},
        whenServed: () => Promise.reject(new Error('nobody uploads')),
      }),
    outside: new OutsideReads({ adapters: new Map([['file@1', OUTSIDE as never]]), secrets: new Secrets({}) }),
  })
  const { workspaces } = fixture.api.server
  const edit = { writer: { actor: 'Ada', source: 'user_action' }, via: 'test', payer: 'Ada' } as const
  await workspaces.write('w' as WorkspaceId, { ...edit, run: (doc) => createBlock(doc, 'a', { type: 'text' }) })
  const { payers, unpaid } = new Bookings(fixture.api.server)
  const readers: (string | undefined)[] = []
  const { read } = workspaces
  workspaces.read = ((workspace, look, payer) => {
    readers.push(payer)
    return read.call(workspaces, workspace, look, payer)
  }) as typeof read
  const left = new Set([...fileRoutes, ...outsideRoutes].map(({ id }) => id))
  /** Each route looks at the document or the tasks first, and finds that something is missing. */
  const walk = async (id: string, [method, path, body]: [string, string, unknown?], code: string | undefined) => {
    left.delete(id)
    payers.length = 0
    readers.length = 0
    const answer = await fixture.call(method, path, body, headers)
    expect(answer.body?.error.code, `${id}: ${answer.text}`).toBe(code)
    expect(payers, id).toContainEqual({ principal: 'Ada', workspace: 'w' })
    expect([...payers.map(({ principal }) => principal), ...readers].filter((payer) => payer !== 'Ada')).toEqual([])
    expect(unpaid, id).toEqual([])
  }
  const sha256 = 'a'.repeat(64)
  const upload = `/uploads/tsk_${Buffer.from('w').toString('base64url')}.${'0'.repeat(29)}`
  const status = '/blocks/a/statuses/file@1/plan.pdf/outside'
  await walk('startUpload', ['POST', '/blocks/none/files', { name: 'plan.pdf', bytes: 1, sha256 }], 'unknown_block')
  expect(readers).toEqual(['Ada'])
  await walk('getUpload', ['GET', upload], 'unknown_task')
  await walk('getPartUrls', ['POST', `${upload}/urls`, { parts: [1] }], 'unknown_task')
  await walk('completeUpload', ['POST', `${upload}/complete`], 'unknown_task')
  await walk('getFile', ['GET', '/blocks/a/files/plan.pdf'], 'unknown_file')
  expect(readers).toEqual(['Ada'])
  await walk('getOutside', ['GET', status], 'unknown_status')
  expect(readers).toEqual(['Ada'])
  await walk('forgetOutside', ['DELETE', `${status}/cache`], undefined)
  // A new route needs a request here.
  expect([...left]).toEqual([])
})
