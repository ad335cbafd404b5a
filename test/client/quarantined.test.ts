import { documentRules } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { createServer } from '@joinery/server'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { closing, connect, type RunningServer, readText, textOf, whenState } from './fixture.ts'

/** A directory that is removed when the stores on it are closed. */
async function makeHome(): Promise<string> {
  const directory = await tempDirectory()
  closing({ close: async () => directory[Symbol.asyncDispose]() })
  return directory.path
}

/** A server on the data in `directory`. */
async function serve(directory: string): Promise<RunningServer> {
  const store = closing(await openLevelStore({ directory, durability: 'sync' }))
  const server = closing(createServer({ port: await freePort(), store, rules: documentRules }))
  await server.listen()
  const { url } = server
  return { url, port: Number(new URL(url).port), close: () => server.close() }
}

/** Writes `texts` into block `b`, a record each, and flips one bit of the record that holds `damaged`. */
async function damage(directory: string, texts: readonly string[], damaged: string): Promise<void> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  const server = createServer({ store, rules: documentRules })
  await server.listen()
  const ada = connect(server)
  for (const text of texts) {
    const content = textOf(ada)
    content.insert(content.length, text)
    await ada.whenDurable()
  }
  await ada.close()
  await server.close()
  await store.close()
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  for await (const [key, value] of level.iterator()) {
    const at = Buffer.from(value).indexOf(damaged)
    if (at < 0) continue
    const bytes = Uint8Array.from(value)
    bytes[at] = (bytes[at] as number) ^ 1
    await level.put(key, bytes)
  }
  await level.close()
}

describe('a damaged workspace', () => {
  it('[C55] what is intact is shown and edits are held, with the reason, when a record can’t be read', async () => {
    const home = await makeHome()
    await damage(home, ['good', ' damaged'], 'damaged')
    const server = await serve(home)
    const [ada, ben] = [connect(server), connect(server)]
    const held = await whenState(ada, 'held')
    expect(held).toMatchObject({ code: 'quarantined', isKeptHere: false, reason: expect.stringContaining('record') })
    await ada.whenSynced
    expect(readText(ada)).toBe('good')
    const { doc } = ada
    textOf(ada).insert(0, 'mine: ')
    const stop = new AbortController()
    const waits = [
      ada.whenDurable({ signal: stop.signal }),
      ada.transactOnce(() => undefined, { idempotencyKey: 'k', signal: stop.signal }),
    ].map((wait) => expect(wait).rejects.toThrow('had enough'))
    await ben.whenSynced
    await until('both wait', () => (ada.saveStatus.get() as { pending: number }).pending >= 2)
    expect([readText(ben), readText(ada), ada.doc === doc]).toEqual(['good', 'mine: good', true])
    expect(ada.saveStatus.get()).toMatchObject({ state: 'held', code: 'quarantined' })
    stop.abort(new Error('had enough'))
    await Promise.all(waits)
  })

  it('[C55] the connection is refused, and edits are kept, when nothing good can be told of it', async () => {
    const home = await makeHome()
    await damage(home, ['damaged'], 'damaged')
    const server = await serve(home)
    const ada = connect(server)
    textOf(ada).insert(0, 'mine')
    expect(await whenState(ada, 'rejected')).toMatchObject({ what: 'connection', code: 'quarantined' })
    expect(readText(ada)).toBe('mine')
    await expect(ada.whenSynced).rejects.toMatchObject({ code: 'quarantined' })
  })
})
