import { DiskStore, scopeOf } from '@joinery/resources'
import { parseWorkspaceName } from '@joinery/server'
import { expect, it } from 'vitest'
import { workspaceHash, workspaceOfRequest } from './workspace-of-request.ts'

const W = parseWorkspaceName('acme/w')
const byHash = (hash: string) => (hash === workspaceHash(scopeOf('acme/w')) ? W : undefined)
const of = (target: string) => workspaceOfRequest(target, byHash)

it('[Q40] a target says its workspace by a name, by the id of a task, and by a hash in the URL for a part of a file', async () => {
  const store = new DiskStore({ directory: '/nowhere', ticketMs: 1_000 })
  const { url: part } = await store.urlOfPart({ scope: scopeOf('acme/w'), key: 'k', id: 'k' }, { n: 1, bytes: 1 })
  const file = { scope: scopeOf('acme/w'), sha256: 'a'.repeat(64), bytes: 1 }
  const { url: read } = await store.urlOf(file, { name: 'n', type: 't' })
  const task = `tsk_${Buffer.from('acme/w').toString('base64url')}.${'0'.repeat(29)}`
  for (const target of ['/v1/workspaces/acme%2Fw/blocks?a=/v1/tasks/x', `/v1/tasks/${task}`, part])
    expect(of(target)).toBe(W)
  const others = [
    '/v1/workspaces',
    '/v1/workspaces/%zz',
    '/v1/workspaces/..',
    '/v1/tasks/x',
    '/v1/work/leases',
    '/v1/blobs/x.y',
  ]
  for (const target of [...others, '/v1/work/leases/x/done', '/v1/blobs/bnVsbA.x', read])
    expect(of(target)).toBeUndefined()
})
