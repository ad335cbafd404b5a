import 'fake-indexeddb/auto'
import { documentRules } from '@joinery/blocks'
import type { Reset } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { createAuthenticator } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { closing, connect, readText, startServer, textOf, whenState } from './fixture.ts'

const authenticator = createAuthenticator({ secret: SECRET })

describe('another actor', () => {
  it.each([
    ['with a local copy', { prefix: 'swap' }],
    ['without a local copy', false],
  ] as const)(
    '[C97] what one wrote offline is not sent by another who takes over in the tab, %s',
    async (_, offline) => {
      const store = closing(openMemoryStore())
      const first = await startServer({ authenticator, store, rules: documentRules })
      let sub = 'ada'
      const token = () => makeToken({ sub })
      const tab = connect(first, { token, offline })
      const resets: Reset[] = []
      tab.onReset((reset) => resets.push(reset))
      textOf(tab).insert(0, 'saved')
      await tab.whenDurable()
      const adasClientId = tab.doc.clientID
      await first.close()
      await whenState(tab, 'offline')
      textOf(tab).insert(5, ', unsent')
      const waiting = tab.whenDurable()
      sub = 'ben'
      const server = await startServer({ authenticator, store, rules: documentRules, port: first.port })
      await expect(waiting).rejects.toMatchObject({ code: 'actor_changed' })
      await tab.whenSynced
      expect(resets).toMatchObject([{ cause: 'actor_changed' }])
      expect(tab.doc.clientID).not.toBe(adasClientId)
      expect(readText(tab)).toBe('saved')
      expect(tab.saveStatus.get()).toMatchObject({ state: 'rejected', what: 'edits', code: 'actor_changed' })
      tab.acknowledgeRejection()
      textOf(tab).insert(0, 'ben: ')
      await tab.whenDurable()
      expect(tab.server.get()?.actor).toBe('ben')
      expect(await tab.listSetAside()).toEqual([])
      await tab.close()
      if (offline === false) return

      // She is back: her copy is opened, and what she left goes up under her name.
      sub = 'ada'
      const back = connect(server, { token, offline })
      await until('what she left is there', () => readText(back) === 'ben: saved, unsent')
      await back.whenDurable()
      await until('the server says by whom', () => back.provenance.of('b/content')?.actor === 'ada')
    },
  )

  it('[C97] who opens another’s copy sends nothing of it, and is told of no loss', async () => {
    const offline = { prefix: 'shared' }
    const store = closing(openMemoryStore())
    const first = await startServer({ authenticator, store, rules: documentRules })
    const ada = connect(first, { token: () => makeToken({ sub: 'ada' }), offline })
    textOf(ada).insert(0, 'saved')
    await ada.whenDurable()
    await first.close()
    await whenState(ada, 'offline')
    textOf(ada).insert(5, ', unsent')
    await ada.close()

    const server = await startServer({ authenticator, store, rules: documentRules, port: first.port })
    const ben = connect(server, { token: () => makeToken({ sub: 'ben' }), offline })
    await whenState(ben, 'saved')
    expect(readText(ben)).toBe('saved')
    await ben.close()
    // With a token that names her, her own copy is the first that is opened, also without a server.
    await server.close()
    const away = closing(connect(server, { token: await makeToken({ sub: 'ada' }), offline }))
    await away.whenLoaded
    expect(readText(away)).toBe('saved, unsent')
  })

  it('[C98] a keyed edit that waited is not made again as somebody else', async () => {
    const store = closing(openMemoryStore())
    const first = await startServer({ authenticator, store, rules: documentRules })
    let sub = 'ada'
    const tab = connect(first, { token: () => makeToken({ sub }) })
    await tab.whenSynced
    await first.close()
    await whenState(tab, 'offline')
    const keyed = tab.transactOnce(({ blocks }) => blocks.create('k', { type: 'text' }), { idempotencyKey: 'k' })
    sub = 'ben'
    await startServer({ authenticator, store, rules: documentRules, port: first.port })
    await expect(keyed).rejects.toMatchObject({ code: 'actor_changed' })
  })
})
