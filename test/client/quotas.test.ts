import 'fake-indexeddb/auto'
import { openMemoryStore } from '@joinery/log'
import { createAuthenticator, type QuotaLimits, Quotas } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { connect, readText, startServer, textOf, whenState } from './fixture.ts'

const authenticator = createAuthenticator({ secret: SECRET })

/** Servers one after the other on the same port and store, each with quotas of its own. */
function servers() {
  const store = openMemoryStore()
  let port: number | undefined
  return async (limits: Partial<QuotaLimits>) => {
    const quotas = new Quotas({ limits })
    const server = await startServer({ store, authenticator, quotas, ...(port !== undefined && { port }) })
    port = server.port
    return server
  }
}
const tokenOf = (sub: string) => () => makeToken({ sub })

describe('quotas', () => {
  it('[C130] an edit beyond the bytes of a day is set aside, told, and saved when the quota is raised', async () => {
    const start = servers()
    const first = await start({ bytesPerDayMax: 2_000 })
    const ada = connect(first, { token: tokenOf('ada'), offline: { prefix: 'quotas' } })
    const ben = connect(first, { token: tokenOf('ben') })
    textOf(ada).insert(0, 'fine')
    await ada.whenDurable()
    await ben.whenSynced
    textOf(ada).insert(4, `, ${'x'.repeat(3_000)}`)
    await expect(ada.whenDurable()).rejects.toMatchObject({ code: 'rejected', rejection: 'quota_bytes' })
    const status = await whenState(ada, 'rejected')
    expect(status).toMatchObject({ what: 'edits', code: 'quota_bytes' })
    expect(status).toMatchObject({ reason: expect.stringMatching(/may write 2000 a day: go on tomorrow/) })
    await ada.whenSynced
    expect([readText(ada), readText(ben)]).toEqual(['fine', 'fine'])
    // A small edit still passes, and another actor has a quota of its own.
    textOf(ada).insert(4, '!')
    await ada.whenDurable()
    textOf(ben).insert(0, 'so ')
    await ben.whenDurable()
    expect(ada.saveStatus.get().state).toBe('rejected')
    await first.close()

    await start({ bytesPerDayMax: 20_000 })
    const [aside] = await ada.listSetAside()
    expect(aside).toMatchObject({ cause: 'rejected', code: 'quota_bytes' })
    Y.applyUpdate(ada.doc, (await ada.readSetAside(aside?.id ?? '')) ?? new Uint8Array())
    await ada.whenDurable()
    ada.acknowledgeRejection()
    await whenState(ada, 'saved')
    await until('ben has it', () => readText(ben).length === 'so fine, !'.length + 3_000)
    expect(readText(ben)).toBe(readText(ada))
  })

  it('[C130] a workspace beyond the quota is refused with the reason, keeps its edits, and is saved when the quota is raised', async () => {
    const start = servers()
    const first = await start({ workspacesPerPrincipalMax: 0 })
    const ada = connect(first, { token: tokenOf('ada') })
    textOf(ada).insert(0, 'kept')
    const reason = expect.stringMatching(/quota_workspaces: you have created 0 workspaces, and may create 0/)
    await expect(ada.whenDurable()).rejects.toMatchObject({ code: 'forbidden', message: reason })
    expect(readText(ada)).toBe('kept')
    await first.close()
    const second = await start({ workspacesPerPrincipalMax: 1 })
    ada.reconnect()
    await ada.whenDurable()
    const ben = connect(second, { token: tokenOf('ben') })
    await ben.whenSynced
    expect([readText(ada), readText(ben)]).toEqual(['kept', 'kept'])
  })

  it('[C130] a keyed edit beyond the quota of keys is in no document, and is made once under its key when the quota is raised', async () => {
    const start = servers()
    const first = await start({ keysPerPrincipalMax: 1 })
    const ada = connect(first, { token: tokenOf('ada') })
    const append = (text: string) => () => textOf(ada).insert(textOf(ada).length, text)
    await ada.transactOnce(append('one'), { idempotencyKey: 'a' })
    const refused = ada.transactOnce(append(', two'), { idempotencyKey: 'b' })
    await expect(refused).rejects.toMatchObject({ code: 'rejected', rejection: 'quota_keys' })
    expect(await ada.transactOnce(append(', one'), { idempotencyKey: 'a' })).toMatchObject({ isRepeated: true })
    textOf(ada).insert(0, 'Typed: ')
    await ada.whenDurable()
    expect([readText(ada), await ada.listSetAside()]).toEqual(['Typed: one', []])
    await first.close()
    await start({ keysPerPrincipalMax: 9 })
    expect(await ada.transactOnce(append(', two'), { idempotencyKey: 'b' })).toMatchObject({ isRepeated: false })
    expect(readText(ada)).toBe('Typed: one, two')
    await whenState(ada, 'saved')
  })
})
