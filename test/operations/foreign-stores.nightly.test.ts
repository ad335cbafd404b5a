import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Database } from '@hocuspocus/extension-database'
import { Hocuspocus } from '@hocuspocus/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { joinery } from '../support/command.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { connectStock, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until, within } from '../support/until.ts'

/** The table of Hocuspocus' SQLite extension, as that makes it. */
const TABLE =
  'CREATE TABLE IF NOT EXISTS "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))'

/** Writes content into every kind of root type, as several editors do. */
function write(doc: Y.Doc, title: string): void {
  const paragraph = new Y.XmlElement('paragraph')
  paragraph.setAttribute('align', 'left')
  paragraph.insert(0, [new Y.XmlText(title)])
  doc.getXmlFragment('default').insert(0, [paragraph])
  doc.getText('quill').insert(0, `${title} in bold`, { bold: true })
  doc.getText('quill').insertEmbed(2, { image: 'a.png' })
  doc.getText('quill').delete(4, 3)
  doc.getMap('nodes').set('n1', new Y.Map([['position', { x: 1, y: 2 }]]))
  doc.getArray('list').push([title, new Uint8Array([1, 2, 3]), null])
}

/** Runs Hocuspocus on a store, and has it write and store documents. Returns the bytes of each. */
async function writeWithHocuspocus(file: string, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const store = new DatabaseSync(file)
  store.exec(TABLE)
  const upsert = store.prepare(
    'INSERT INTO "documents" ("name", "data") VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET data = excluded.data',
  )
  const select = store.prepare('SELECT data FROM "documents" WHERE name = ?')
  const storage = new Database({
    fetch: async ({ documentName }) => (select.get(documentName)?.data as Uint8Array | undefined) ?? null,
    store: async ({ documentName, state }) => void upsert.run(documentName, state),
  })
  const hocuspocus = new Hocuspocus({ quiet: true, extensions: [storage] })
  for (const name of names) {
    const connection = await hocuspocus.openDirectConnection(name)
    await connection.transact((doc) => write(doc, name))
    await connection.transact((doc) => doc.getArray('list').delete(0))
    await connection.disconnect()
  }
  const contents = new Map(names.map((name) => [name, select.get(name)?.data as Uint8Array]))
  store.close()
  return contents
}

/** Reads a workspace with a stock client, and expects that it holds what `update` does. */
async function expectHolds(url: string, workspace: string, update: Uint8Array): Promise<void> {
  using reader = connectStock({ version: '3.1', url, workspace })
  await within('it syncs', whenSynced(reader))
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  expect(Y.equalSnapshots(Y.snapshot(reader.doc), Y.snapshot(doc))).toBe(true)
  expect(shown(reader.doc)).toEqual(shown(doc))
}

function shown(doc: Y.Doc) {
  return {
    xml: doc.getXmlFragment('default').toString(),
    quill: doc.getText('quill').toDelta(),
    nodes: doc.getMap('nodes').toJSON(),
    list: doc.getArray('list').toJSON(),
  }
}

describe('joinery import --from hocuspocus-sqlite', () => {
  it('[A56] makes a workspace of each document that Hocuspocus stored, and writes nothing to the store', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const file = join(source.path, 'db.sqlite')
    const contents = await writeWithHocuspocus(file, ['demo', 'acme/plan', 'notes'])
    const before = await readFile(file)
    const command = ['import', file, '--from', 'hocuspocus-sqlite', '--data', data.path]
    const dry = await joinery(...command, '--dry-run', '--json')
    expect(dry.exit.code, dry.output).toBe(0)
    const listed = JSON.parse(dry.stdout).documents.map(({ workspace }: { workspace: string }) => workspace)
    expect(listed).toEqual(['acme/plan', 'demo', 'notes'])
    await using server = await startJoinery({ directory: data.path })
    // Hocuspocus may have its store open, and be in the middle of a write.
    const open = new DatabaseSync(file)
    const done = await joinery(...command)
    open.close()
    expect([done.exit.code, done.stdout]).toEqual([0, 'imported 3 workspaces, 3 records\n'])
    for (const [name, update] of contents) await expectHolds(server.url, name, update)
    expect((await readFile(file)).equals(before)).toBe(true)
    const again = await joinery(...command)
    expect([again.exit.code, again.output]).toEqual([1, expect.stringContaining('is there already')])
    const verified = await joinery('verify', '--data', data.path)
    expect(verified.exit.code, verified.output).toBe(0)
  })

  it('[A57] a tab that wrote a document at Hocuspocus goes on with the same Y.Doc after the import', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const tab = new Y.Doc()
    write(tab, 'mine')
    await writeFile(`${source.path}/demo.bin`, Y.encodeStateAsUpdate(tab))
    const done = await joinery('import', '--updates', source.path, '--data', data.path)
    expect(done.exit.code, done.output).toBe(0)
    await using server = await startJoinery({ directory: data.path, env: { JOINERY_JWT_SECRET: SECRET } })
    const enter = async (sub: string, doc = new Y.Doc()) => {
      const params = { token: await makeToken({ sub }) }
      return connectStock({ version: '3.1', url: server.url, workspace: 'demo', doc, params })
    }
    using ada = await enter('ada', tab)
    using ben = await enter('ben')
    await within('both sync', Promise.all([whenSynced(ada), whenSynced(ben)]))
    tab.getArray('list').push(['typed since'])
    await until('ben has it', () => ben.doc.getArray('list').toArray().includes('typed since'))
  })

  it('[A56] refuses what is no store of Hocuspocus, and what is damaged, and makes nothing', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const from = async (name: string) => {
      const path = join(source.path, name)
      const { exit, output } = await joinery('import', path, '--from', 'hocuspocus-sqlite', '--data', data.path)
      return [exit.code, output] as const
    }
    expect(await from('none.sqlite')).toEqual([1, expect.stringContaining('there is no such file')])
    await writeFile(
      join(source.path, 'text.sqlite'),
      'not a database, but longer than its header has to be. '.repeat(20),
    )
    expect(await from('text.sqlite')).toEqual([1, expect.stringContaining("can't be read as SQLite")])
    const other = new DatabaseSync(join(source.path, 'other.sqlite'))
    other.exec('create table people (name text)')
    other.close()
    expect(await from('other.sqlite')).toEqual([1, expect.stringContaining('no table documents')])
    const file = join(source.path, 'db.sqlite')
    await writeWithHocuspocus(
      file,
      Array.from({ length: 60 }, (_, n) => `document-${n}`),
    )
    const bytes = await readFile(file)
    bytes.fill(0x7a, 8_192, 16_384)
    await writeFile(join(source.path, 'damaged.sqlite'), bytes)
    const damaged = await from('damaged.sqlite')
    expect(damaged[0]).toBe(1)
    expect(damaged[1]).toMatch(/is damaged|can't be read as SQLite/)
    const bad = new DatabaseSync(file)
    bad.prepare('update documents set data = ? where name = ?').run(Buffer.from('nonsense'), 'document-7')
    bad.close()
    expect(await from('db.sqlite')).toEqual([1, expect.stringContaining('document "document-7" is not one whole Yjs')])
    const inspected = await joinery('inspect', '--data', data.path)
    expect(inspected.output).not.toContain('document-')
  })
})

describe('joinery import --updates', () => {
  it('[A55] makes a workspace of each file, V1 or V2, under its decoded name', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const docs = new Map(['demo', 'acme/plan', 'v2'].map((name) => [name, new Y.Doc()]))
    for (const [name, doc] of docs) {
      write(doc, name)
      const bytes = name === 'v2' ? Y.encodeStateAsUpdateV2(doc) : Y.encodeStateAsUpdate(doc)
      await writeFile(join(source.path, `${encodeURIComponent(name)}.bin`), bytes)
    }
    await writeFile(join(source.path, 'README.md'), 'passed over')
    await mkdir(join(source.path, 'more.bin'))
    const done = await joinery('import', '--updates', source.path, '--data', data.path)
    expect([done.exit.code, done.stdout]).toEqual([0, 'imported 3 workspaces, 3 records\n'])
    await using server = await startJoinery({ directory: data.path })
    for (const [name, doc] of docs) await expectHolds(server.url, name, Y.encodeStateAsUpdate(doc))
  })

  it('[A55] names every file that is no whole update, and imports none', async () => {
    await using source = await tempDirectory()
    await using data = await tempDirectory()
    const doc = new Y.Doc()
    write(doc, 'good')
    const [v1, v2] = [Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdateV2(doc)]
    const bad = {
      'cut.bin': v1.subarray(0, -3),
      'cut2.bin': v2.subarray(0, -3),
      'empty.bin': '',
      'text.bin': 'words',
      '%zz.bin': v1,
    }
    await writeFile(join(source.path, 'good.bin'), v1)
    for (const [name, bytes] of Object.entries(bad)) await writeFile(join(source.path, name), bytes)
    const refused = await joinery('import', '--updates', source.path, '--data', data.path)
    expect(refused.exit.code).toBe(1)
    for (const name of Object.keys(bad)) expect(refused.output).toContain(name)
    expect(refused.output).not.toContain('good.bin')
    expect((await joinery('inspect', '--data', data.path)).output).not.toContain('good')
    await copyFile(join(source.path, 'good.bin'), join(source.path, 'Grüße & more.bin'))
    for (const name of Object.keys(bad)) await writeFile(join(source.path, name), v1)
    expect((await joinery('import', '--updates', source.path, '--data', data.path)).exit.code).not.toBe(0)
  })

  it('[A55] is called with one source, and a directory without such files is refused', async () => {
    await using source = await tempDirectory()
    const none = await joinery('import', '--updates', source.path)
    expect([none.exit.code, none.output]).toEqual([1, expect.stringContaining('holds no file <name>.bin')])
    for (const args of [[], ['x', '--updates', source.path], ['--updates', source.path, '--from', 'y-leveldb']]) {
      expect((await joinery('import', ...args)).exit.code, args.join(' ')).toBe(2)
    }
  })
})
