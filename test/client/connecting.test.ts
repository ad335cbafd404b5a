import { ClientError, connectWorkspace } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { createAuthenticator } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { closing, connect, readText, recordStates, startServer, textOf, whenState } from './fixture.ts'

describe('connecting', () => {
  it('[C1] connectWorkspace throws bad_options when it could never connect', () => {
    const code = (options: Parameters<typeof connectWorkspace>[0]): string => {
      try {
        connectWorkspace(options)
        return 'connected'
      } catch (error) {
        return error instanceof ClientError ? error.code : String(error)
      }
    }
    expect(code({ url: 'ftp://host', workspace: 'w' })).toBe('bad_options')
    expect(code({ url: 'host', workspace: 'w' })).toBe('bad_options')
    expect(code({ url: 'ws://host?x=1', workspace: 'w' })).toBe('bad_options')
    expect(code({ url: 'ws://ada:secret@host', workspace: 'w' })).toBe('bad_options')
    expect(code({ url: 'ws://host', workspace: '../w' })).toBe('bad_options')
    expect(code({ url: 'ws://host' } as { url: string; workspace: string })).toBe('bad_options')
    expect(code({ url: 'ws://host', workspace: 'w', offline: true })).toBe('bad_options')
  })

  it('[C2] whenSynced resolves when the server has sent what it has', async () => {
    const server = await startServer()
    const ada = connect(server)
    textOf(ada).insert(0, 'hello')
    await ada.whenDurable()
    const ben = connect(server)
    await ben.whenSynced
    expect(readText(ben)).toBe('hello')
  })

  it('[C2] edits reach the other client when both are connected', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    await Promise.all([ada.whenSynced, ben.whenSynced])
    textOf(ada).insert(0, 'one')
    await until('ben has it', () => readText(ben) === 'one')
    textOf(ben).insert(3, ' two')
    await until('ada has it', () => readText(ada) === 'one two')
  })

  it('[C3] the server knows actor and source when the options name them', async () => {
    const server = await startServer()
    const job = connect(server, { actor: 'engine', source: 'workflow_execution' })
    await job.whenSynced
    expect(job.server.get()).toMatchObject({ actor: 'engine', source: 'workflow_execution', access: 'write' })
  })

  it('[C4] the client comes back by itself when the server was away', async () => {
    const store = closing(openMemoryStore())
    const first = await startServer({ store })
    const ada = connect(first)
    await whenState(ada, 'saved')
    await first.close()
    const offline = await whenState(ada, 'offline')
    expect(offline.cause).toBe('waiting')
    expect(offline.reason).toContain('restart')
    const ben = connect(first)
    await until('an attempt has failed', () => {
      const status = ben.saveStatus.get()
      return status.state === 'offline' && (status.reason?.includes('ECONNREFUSED') ?? false)
    })
    await startServer({ store, port: first.port })
    await whenState(ada, 'saved')
    await whenState(ben, 'saved')
  })

  it('[C5] the token function is asked again when the client reconnects, and its failure is no end', async () => {
    const authenticator = createAuthenticator({ secret: SECRET })
    const first = await startServer({ authenticator })
    let calls = 0
    const token = async (): Promise<string> => {
      calls += 1
      if (calls === 1) throw new Error('the login page is down')
      return makeToken()
    }
    const ada = connect(first, { token })
    await ada.whenSynced
    expect(calls).toBe(2)
    await first.close()
    await whenState(ada, 'offline')
    await startServer({ authenticator, port: first.port })
    await until('it is connected again', () => calls > 2)
  })

  it('[C6] a final refusal is shown and rejects what waits when the token is not good', async () => {
    const server = await startServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const ada = connect(server, { token: await makeToken({ expiresIn: -3_600 }) })
    const states = recordStates(ada)
    textOf(ada).insert(0, 'kept')
    const durable = ada.whenDurable()
    await expect(ada.whenSynced).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(durable).rejects.toMatchObject({ code: 'unauthorized' })
    expect(ada.saveStatus.get()).toMatchObject({
      state: 'rejected',
      what: 'connection',
      code: 'unauthorized',
      pending: 2,
    })
    await expect(ada.whenDurable()).rejects.toMatchObject({ code: 'unauthorized' })
    expect(states.map(({ state }) => state)).not.toContain('saving')

    ada.reconnect(await makeToken())
    await ada.whenSynced
    await ada.whenDurable()
    expect(ada.saveStatus.get()).toEqual({ state: 'saved' })
    expect(readText(ada)).toBe('kept')
  })

  it('[C92] a token that expired on its way, or is valid in a moment, has the token function asked again', async () => {
    const server = await startServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const early = await makeToken({ notBeforeIn: 7 })
    const tokens = [await makeToken({ expiresIn: -3_600 }), early, early, early]
    const ada = connect(server, { token: () => tokens.shift() ?? early })
    const states = recordStates(ada)
    await ada.whenSynced
    expect(states.map(({ state }) => state)).not.toContain('rejected')
    expect(tokens).toEqual([])
  })

  it('[C92] a token function that gives the refused token again has given all it has', async () => {
    const server = await startServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const hopeless = await makeToken({}, 'another secret that is as long as the first')
    let calls = 0
    const token = (): string => {
      calls += 1
      return hopeless
    }
    const ada = connect(server, { token })
    await expect(ada.whenSynced).rejects.toMatchObject({ code: 'unauthorized' })
    expect(calls).toBe(2)
  })

  it('[C6] a token for another workspace is refused with forbidden when it connects', async () => {
    const server = await startServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const ada = connect(server, { token: await makeToken({ workspaces: ['other'] }) })
    await expect(ada.whenSynced).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('[C7] nobody is shown as present when a client has only connected', async () => {
    const server = await startServer()
    const job = connect(server)
    await job.whenSynced
    const ada = connect(server)
    ada.presence.set({ name: 'ada' })
    await ada.whenSynced
    await until('the job sees ada', () => job.presence.others.get().length === 1)
    expect(job.presence.others.get()).toMatchObject([{ state: { name: 'ada' } }])
    expect(ada.presence.others.get()).toEqual([])
    // y-protocols repeats a state every 15 s unless the state is null.
    expect(job.presence.awareness.getLocalState()).toBeNull()
  })

  it('[C8] offline edits come up when a stock connection to the same room proves it', async () => {
    const server = await startServer()
    const ada = connect(server)
    textOf(ada).insert(0, 'made before the socket was open')
    await ada.whenDurable()
    const raw = await RawClient.open({ url: server.url.replace('http', 'ws'), path: 'w' })
    expect(raw.doc.getMap('blocks').has('b')).toBe(true)
    await raw.close()
  })
})
