import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { readLog } from '../crash/read-log.ts'
import { startChild, startReadyChild } from '../support/child-process.ts'
import { joineryCommand, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const SAVER = fileURLToPath(new URL('./naive-saver.ts', import.meta.url))

it('[T54] one saver’s edit is gone when two processes each load, edit and write one file', async () => {
  await using directory = await tempDirectory()
  const file = join(directory.path, 'workspace.yjs')
  const savers = await Promise.all(
    ['ada', 'ben'].map((entry) => startReadyChild({ args: [SAVER, file, entry] }, /ready/)),
  )
  for (const saver of savers) await saver.end('SIGTERM')
  const doc = new Y.Doc()
  Y.applyUpdate(doc, await readFile(file))
  expect(doc.getArray('entries').toArray()).toEqual(['ben'])
})

it('[T54] there is one history with everybody’s edits, gap-free, when a second process wants the same directory', async () => {
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: directory.path })
  const clients = ['ada', 'ben'].map((actor) => connectWorkspace({ url: server.url, workspace: 'w', actor }))
  await Promise.all(clients.map((client) => client.whenSynced))
  const second = startChild(joineryCommand({ directory: directory.path }))
  expect((await second.exited).code).toBe(1)
  expect(second.output()).toContain('open in another process')
  for (const [i, client] of clients.entries()) client.doc.getArray('entries').push([['ada', 'ben'][i]])
  await Promise.all(clients.map((client) => client.whenDurable()))
  await Promise.all(clients.map((client) => client.close()))
  await server.child.end('SIGKILL')
  expect((await readLog(directory.path)).get('w')?.toSorted()).toEqual(['ada', 'ben'])
})
