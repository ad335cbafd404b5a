import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBlock } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { LeveldbPersistence } from 'y-leveldb'
import * as Y from 'yjs'
import { joinery } from '../support/command.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const ODD_NAME = 'Grüße & more'

/** Writes documents as y-websocket's server did, update by update. Returns the content of each. */
async function makeDocuments(directory: string, names: readonly string[]): Promise<Record<string, unknown>> {
  const persistence = new LeveldbPersistence(directory)
  const contents: Record<string, unknown> = {}
  for (const name of names) {
    const doc = new Y.Doc()
    const stored: Promise<unknown>[] = []
    doc.on('update', (update: Uint8Array) => stored.push(persistence.storeUpdate(name, update)))
    const block = createBlock(doc, 'note', { type: 'text' })
    for (let n = 0; n < 40; n++) block.content.insert(n % 7, `${n} `)
    block.content.delete(3, 10)
    doc.getArray('list').push([name, { deep: [1, 2, 3] }])
    await Promise.all(stored)
    // Some are merged, as that server does when it starts; some are left as they came.
    if (name.length % 2 === 0) await persistence.flushDocument(name)
    contents[name] = contentOf(doc)
  }
  await persistence.setMeta(names[0] ?? '', 'theme', 'dark')
  await persistence.destroy()
  return contents
}

function contentOf(doc: Y.Doc): unknown {
  return { blocks: doc.getMap('blocks').toJSON(), list: doc.getArray('list').toJSON() }
}

async function bytesOf(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).sort()
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, (await readFile(join(directory, name))).toString('base64')] as const),
    ),
  )
}

async function readFrom(url: string, workspace: string): Promise<unknown> {
  const reader = connectWorkspace({ url, workspace })
  await reader.whenSynced
  const content = contentOf(reader.doc)
  await reader.close()
  return content
}

describe('joinery import --from y-leveldb', () => {
  it('[A40] makes a workspace with the same content of each document, beside a running server, and writes nothing to the source', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const contents = await makeDocuments(source.path, ['demo', 'acme/plan', 'notes'])
    const before = await bytesOf(source.path)
    const command = ['import', source.path, '--from', 'y-leveldb', '--data', data.path]
    const dry = await joinery(...command, '--dry-run')
    expect(dry.exit.code, dry.output).toBe(0)
    expect(
      dry.stdout
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((row) => row.split(/ +/).slice(0, 2)),
    ).toEqual([
      ['demo', 'demo'],
      ['notes', 'notes'],
      ['acme/plan', 'acme/plan'],
    ])
    await using server = await startJoinery({ directory: data.path })
    const done = await joinery(...command)
    expect(done.exit.code, done.output).toBe(0)
    expect(done.stdout).toBe('imported 3 workspaces, 3 records\n')
    for (const [name, content] of Object.entries(contents)) expect(await readFrom(server.url, name)).toEqual(content)
    expect(await bytesOf(source.path)).toEqual(before)
    const again = await joinery(...command)
    expect(again.exit.code).toBe(1)
    expect(again.output).toContain('is there already')
    const history = await joinery('history', 'demo', '--data', data.path, '--json')
    expect(JSON.parse(history.stdout).records).toEqual([
      expect.objectContaining({
        lsn: 1,
        actor: 'y-leveldb',
        touched: expect.arrayContaining([expect.stringMatching(/^note/)]),
      }),
    ])
    const verified = await joinery('verify', '--data', data.path)
    expect(verified.exit.code, verified.output).toBe(0)
  })

  it('[A41] refuses a name that no workspace can have, says what it would become, and makes it that when asked', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const contents = await makeDocuments(source.path, [ODD_NAME])
    const command = ['import', source.path, '--from', 'y-leveldb', '--data', data.path]
    const refused = await joinery(...command)
    expect(refused.exit.code).toBe(2)
    const mended = /--mend-names makes it (\S+)/.exec(refused.output)?.[1] ?? ''
    expect(mended).toMatch(/^Gru-e-more-[0-9a-f]{8}$/)
    const done = await joinery(...command, '--mend-names')
    expect(done.exit.code, done.output).toBe(0)
    await using server = await startJoinery({ directory: data.path })
    expect(await readFrom(server.url, mended)).toEqual(contents[ODD_NAME])
  })

  it('[A41] refuses what is no y-leveldb directory, and one that is damaged', async () => {
    await using empty = await tempDirectory()
    await using data = await tempDirectory()
    const from = (path: string) => joinery('import', path, '--from', 'y-leveldb', '--data', data.path)
    const none = await from(empty.path)
    expect([none.exit.code, none.output]).toEqual([1, expect.stringContaining('holds no LevelDB database')])
    await using server = await startJoinery({ directory: data.path })
    await using other = await tempDirectory()
    {
      await using running = await startJoinery({ directory: other.path })
      await readFrom(running.url, 'demo')
    }
    const foreign = await from(other.path)
    expect([foreign.exit.code, foreign.output]).toEqual([1, expect.stringContaining('no documents of y-leveldb')])
    expect(server.port).toBeGreaterThan(0)
  })
})
