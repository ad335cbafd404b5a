import 'fake-indexeddb/auto'
import type { ClientError, Reset, Workspace } from '@joinery/client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { until } from '../support/until.ts'
import { connect, readText, spoilCopies, startServer, textOf, whenState } from './fixture.ts'

afterEach(() => vi.restoreAllMocks())

function errorsOf(workspace: Workspace): ClientError[] {
  const errors: ClientError[] = []
  workspace.onError((error) => errors.push(error))
  return errors
}

describe('broken storage', () => {
  it('[C19] the workspace goes on without a copy when IndexedDB does not open', async () => {
    const server = await startServer()
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('storage is blocked', 'SecurityError')
    })
    const ada = connect(server, { offline: { prefix: 'blocked' } })
    const errors = errorsOf(ada)
    textOf(ada).insert(0, 'online only')
    await ada.whenDurable()
    expect(errors).toMatchObject([{ code: 'local_copy_failed' }])
    expect(await ada.listSetAside()).toEqual([])
    await server.close()
    expect(await whenState(ada, 'offline')).toMatchObject({ isKeptHere: false })
  })

  it('[C19] a full disk is told and the edit is saved on the server all the same', async () => {
    const server = await startServer()
    const ada = connect(server, { offline: { prefix: 'full' } })
    const errors = errorsOf(ada)
    await whenState(ada, 'saved')
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('the disk is full', 'QuotaExceededError')
    })
    textOf(ada).insert(0, 'saved')
    await ada.whenDurable()
    await until('it is told', () => errors.length > 0)
    expect(errors[0]?.code).toBe('local_copy_failed')
    expect(ada.saveStatus.get()).toEqual({ state: 'saved' })
  })

  it('[C19] the workspace starts anew from the server when its copy can’t be read', async () => {
    const offline = { prefix: 'spoilt' }
    const server = await startServer()
    const before = connect(server, { offline })
    textOf(before).insert(0, 'on the server')
    await before.whenDurable()
    await before.close()
    await spoilCopies('spoilt')

    const after = connect(server, { offline })
    const resets: Reset[] = []
    after.onReset((reset) => resets.push(reset))
    await after.whenSynced
    expect(readText(after)).toBe('on the server')
    expect(resets).toMatchObject([{ cause: 'unreadable' }])
    expect(await after.listSetAside()).toMatchObject([{ cause: 'unreadable' }])
    textOf(after).insert(0, 'again ')
    await after.whenDurable()
  })
})
