import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, type LogRecord, openLevelStore } from '@joinery/log'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { ServerFixture, W } from '../testing/server-fixture.ts'

const writer = { actor: 'engine', source: 'workflow_execution' }
const event = (text: string) => ({
  ...{ update: Buffer.from(text), actor: 'joinery', source: 'server', connection: 'test', touched: [] },
})

let directory: string
let store: EventStore
let fixture: ServerFixture

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'joinery-system-logs-'))
  store = await openLevelStore({ directory, durability: 'async' })
  fixture = await ServerFixture.start({ store })
})
afterEach(async () => {
  await fixture.close()
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

const typed = (workspace: string, text: string) =>
  fixture.server.workspaces.write(workspace as WorkspaceId, {
    writer,
    via: 'test',
    run: (doc: Y.Doc) => doc.getText('t').insert(0, text),
  })

it('[S201] a listener hears of every record of every room in the turn of its append, and what it appends goes with it', async () => {
  const log = await fixture.server.workspaces.openSystemLog('!work', () => undefined)
  const heard: [string, number, string][] = []
  let isSame = true
  const unlisten = fixture.server.workspaces.listen((workspace, { lsn, actor }: LogRecord, durable) => {
    heard.push([workspace, lsn, actor])
    // One write has one promise.
    isSame &&= log.append(event(`${workspace} ${lsn}`)).durable === durable
  })
  const client = await fixture.client('other?actor=ada').synced()
  client.text.insert(0, 'x')
  await expect.poll(() => heard.length).toBe(1)
  await typed('w', 'a')
  await typed('w', 'b')
  expect(heard).toEqual([
    ['other', 1, 'ada'],
    ['w', 1, 'engine'],
    ['w', 2, 'engine'],
  ])
  expect([isSame, log.head]).toEqual([true, 3])
  unlisten()
  await typed('w', 'c')
  expect(heard).toHaveLength(3)
})

it('[S201] an error of a listener changes nothing for the record, the room and other listeners', async () => {
  const heard: number[] = []
  const stop = [
    fixture.server.workspaces.listen(() => {
      throw new Error('the listener is wrong')
    }),
    fixture.server.workspaces.listen((_, { lsn }) => heard.push(lsn)),
  ]
  const client = await fixture.client('w').synced()
  client.text.insert(0, 'x')
  await expect.poll(() => heard).toEqual([1])
  expect(await typed('w', 'a')).toMatchObject({ lsn: 2 })
  for (const each of stop) each()
  expect(await fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())).toBe('ax')
})

it('[S320] a listener gets the document with the edits of the record, and the generation of the workspace', async () => {
  const heard: [string, boolean][] = []
  const unlisten = fixture.server.workspaces.listen((_workspace, _record, _durable, { doc, generation }) => {
    heard.push([doc.getText('t').toString(), generation !== undefined])
  })
  await typed('w', 'a')
  const client = await fixture.client('w?actor=ada').synced()
  client.text.insert(1, 'b')
  await expect
    .poll(() => heard)
    .toEqual([
      ['a', true],
      ['ab', true],
    ])
  unlisten()
})

it('[S322] a listener to fates hears of them before whoever has asked is answered, and no more once it has left', async () => {
  const { workspaces } = fixture.server
  const heard: string[] = []
  const unlisten = workspaces.listenToFates(async (workspace, fate) => {
    await new Promise((resolve) => setImmediate(resolve))
    heard.push(`${workspace} ${fate}`)
  })
  await typed('w', 'a')
  await workspaces.delete(W)
  expect(heard).toEqual(['w deleted'])
  await workspaces.undelete(W)
  await workspaces.replace(W, async () => undefined)
  await workspaces.delete(W)
  await workspaces.purge(W)
  expect(heard).toEqual(['w deleted', 'w undeleted', 'w replaced', 'w deleted', 'w purging', 'w purged'])
  unlisten()
  await typed('w', 'a')
  await workspaces.delete(W)
  expect(heard).toHaveLength(6)
})

it('[S369] what is kept elsewhere is removed while a workspace is purged, and a purge that fails by it can only be done again', async () => {
  const { workspaces } = fixture.server
  let isThere = true
  let isAway = true
  const stop = workspaces.removeBeside(async (workspace) => {
    expect([workspace, await Array.fromAsync(workspaces.deleted())]).toEqual(['w', ['w']])
    if (isAway) throw new Error('the store is away')
    isThere = false
  })
  await typed('w', 'a')
  await expect(workspaces.purge(W)).rejects.toMatchObject({ code: 'invalid' })
  await workspaces.delete(W)
  await expect(workspaces.purge(W)).rejects.toThrow('the store is away')
  await expect(workspaces.undelete(W)).rejects.toMatchObject({ code: 'deleted' })
  isAway = false
  await workspaces.purge(W)
  expect([isThere, await Array.fromAsync(workspaces.deleted())]).toEqual([false, []])
  stop()
})

it('[S202] a system log is open until its workspace is purged or the server closes, and is no workspace', async () => {
  const { workspaces } = fixture.server
  const released: string[] = []
  const openLog = (name: string) => workspaces.openSystemLog(name, () => void released.push(name))
  await typed('w', 'a')
  const logs = await Promise.all(['!work', '!work/w', '!work/other'].map(openLog))
  for (const log of logs) await log.append(event('x')).durable
  await expect(openLog('!work')).rejects.toMatchObject({ code: 'locked' })
  for (const name of ['w', 'work/w', '']) await expect(openLog(name)).rejects.toMatchObject({ code: 'invalid' })
  expect(await Array.fromAsync(workspaces.names())).toEqual(['w'])
  await workspaces.delete(W)
  await logs[1]?.append(event('of a deleted workspace')).durable
  expect([released, await Array.fromAsync(workspaces.deleted())]).toEqual([[], ['w']])
  await workspaces.purge(W)
  expect(released).toEqual(['!work/w'])
  expect((await openLog('!work/w')).head).toBe(0)
  await fixture.close()
  expect(released.slice(1).sort()).toEqual(['!work', '!work/other', '!work/w'])
  expect((await store.open('!work')).head).toBe(1)
})

/** Spellings of a name that begins with the mark of system logs. */
const SPELLINGS = [
  ...[
    '!work',
    '!work/w',
    '%21work',
    '%21work%2Fw',
    '%2521work',
    './!work',
    '../!work',
    '%2e%2e/%21work',
    'w/../!work',
    'w/%2e%2e/!work',
  ],
  ...[
    'w/..%2f!work',
    '//!work',
    '/!work/w',
    '%00!work',
    ' !work',
    '%20!work',
    '\t!work',
    '！work',
    '%EF%BC%81work',
    'ǃwork',
    '%C7%83work',
  ],
  ...[
    '!%77ork',
    '%C0%A1work',
    'w%2F!work',
    'w/!work',
    '!work;a=1',
    '!work?x',
    '!work%23',
    'w%00/!work',
    '\\!work',
    'w%5c..%5c!work',
  ],
]

it('[S202] no spelling of its name opens a system log over a socket', async () => {
  const log = await fixture.server.workspaces.openSystemLog('!work', () => undefined)
  await log.append(event('secret')).durable
  const before = await Array.fromAsync(store.systemLogs())
  for (const spelling of SPELLINGS) {
    const client = fixture.client(`${spelling}${spelling.includes('?') ? '&' : '?'}joinery=1`)
    client.ws.on('error', () => undefined)
    await client.until(() => client.closed !== undefined || client.frames.some(({ type }) => type === 'syncStep2'))
    client.text.insert(0, 'x')
    client.ws.terminate()
  }
  expect(await Array.fromAsync(store.systemLogs())).toEqual(before)
  expect(log.head).toBe(1)
  for (const name of await Array.fromAsync(store.workspaces())) expect(parseWorkspaceName(name)).toBeDefined()
})
