import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import type { JoineryMessage } from '@joinery/protocol'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectStock, STOCK_VERSIONS, type StockClient, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

const content = (doc: Y.Doc) => doc.getText('content')

/** Writes each of `texts` as a tick of its own, by an actor of its own, and waits until it is durable. */
async function write(
  url: string,
  workspace: string,
  texts: readonly { actor: string; text: string }[],
): Promise<Y.Doc> {
  let doc = new Y.Doc()
  for (const { actor, text } of texts) {
    const client = await RawClient.open({ url, path: workspace, wantsJoinery: true, query: { actor } })
    content(client.doc).insert(content(client.doc).length, text)
    await until(`${actor}'s text is durable`, () => client.framesDurable === client.framesSent)
    await client.close()
    doc = client.doc
  }
  return doc
}

/** Flips a byte wherever `text` stands in a closed store's files. */
async function damage(directory: string, text: string): Promise<number> {
  // LevelDB checks its own log when it reads it. Records in its tables are checked by Joinery alone.
  await (await openLevelStore({ directory, durability: 'async' })).close()
  let found = 0
  for (const name of await readdir(directory)) {
    const file = join(directory, name)
    const bytes = await readFile(file).catch(() => Buffer.alloc(0))
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes[at] = (bytes[at] as number) ^ 1
      found++
    }
    if (bytes.length > 0) await writeFile(file, bytes)
  }
  return found
}

describe.concurrent.each(STOCK_VERSIONS)('y-websocket %s', (version) => {
  it('[T16] newcomers, and those who come back with edits of their own, hold the same after a restart', async () => {
    await using home = await tempDirectory()
    const first = await startJoinery({ directory: home.path })
    const texts = Array.from({ length: 40 }, (_, n) => ({ actor: 'ada', text: `${n};` }))
    const writer = await RawClient.open({ url: first.url, path: 'cold', wantsJoinery: true })
    for (const { text } of texts) {
      content(writer.doc).insert(content(writer.doc).length, text)
      await until('it is durable', () => writer.framesDurable === writer.framesSent)
    }
    content(writer.doc).delete(0, 2)
    using returning = connectStock({ version, url: first.url, workspace: 'cold' })
    await within('the client syncs', whenSynced(returning))
    await first.child.end('SIGTERM')
    await until('it is noticed', () => !returning.provider.wsconnected)
    content(returning.doc).insert(0, 'written while away;')

    await using second = await startJoinery({ directory: home.path, port: first.port })
    const newcomers = Array.from({ length: 5 }, () => connectStock({ version, url: second.url, workspace: 'cold' }))
    await within('all sync', Promise.all(newcomers.map(whenSynced)))
    const all = `written while away;${texts
      .map(({ text }) => text)
      .join('')
      .slice(2)}`
    for (const client of [...newcomers, returning]) {
      await until('it holds everything', () => content(client.doc).toString() === all)
      expect(client.doc.store.pendingStructs).toBeNull()
    }
    for (const client of newcomers) client[Symbol.dispose]()
  })

  it('[T17] a damaged workspace is read as far as it is intact, and takes no edits', async () => {
    await using home = await tempDirectory()
    const first = await startJoinery({ directory: home.path })
    await write(first.url, 'damaged', [
      { actor: 'ada', text: 'good' },
      { actor: 'zoe-whose-record-breaks', text: ' bad' },
    ])
    await write(first.url, 'sound', [{ actor: 'ada', text: 'sound' }])
    await first.child.end('SIGTERM')
    expect(await damage(home.path, 'zoe-whose-record-breaks')).toBeGreaterThan(0)

    await using second = await startJoinery({ directory: home.path })
    const heard: JoineryMessage[] = []
    const knowing = new RawClient({ url: second.url, path: 'damaged', wantsJoinery: true })
    knowing.onMessage = (message) => heard.push(message)
    using stock: StockClient = connectStock({ version, url: second.url, workspace: 'damaged' })
    using sound = connectStock({ version, url: second.url, workspace: 'sound' })
    await within('all sync', Promise.all([knowing.synced, whenSynced(stock), whenSynced(sound)]))
    expect([knowing.doc, stock.doc, sound.doc].map((doc) => content(doc).toString())).toEqual(['good', 'good', 'sound'])
    expect(heard).toContainEqual(expect.objectContaining({ type: 'writable', isWritable: false, code: 'quarantined' }))
    const closed = Promise.withResolvers<number>()
    stock.provider.on('connection-close', (event: { code: number } | null) => closed.resolve(event?.code ?? 0))
    content(stock.doc).insert(0, 'an edit ')
    expect(await within('the writer is refused', closed.promise)).toBe(4410)
    content(sound.doc).insert(0, 'safe and ')
    using reader = connectStock({ version, url: second.url, workspace: 'sound' })
    await until('the other workspace goes on', () => content(reader.doc).toString() === 'safe and sound')
    await knowing.close()
  })
})
