import { createBlock, touchedPaths } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { openLevelStore } from '@joinery/log'
import { expect } from 'vitest'
import * as Y from 'yjs'
import { CommandProcess } from '../../testing/command-process.mts'
import { temporaryDirectory } from '../../testing/temporary-directory.mts'

/** A server in a process of its own, on a data directory. */
export interface TestServer {
  readonly process: CommandProcess
  readonly url: string
  readonly directory: string
  connect(workspace: string): Workspace
  /** Drains the server and expects exit code 0. */
  stop(): Promise<void>
}

export async function startServer(directory: string, env: Record<string, string> = {}): Promise<TestServer> {
  const process = new CommandProcess(['serve', '--port', '0', '--data', directory, '--log-level', 'warn'], { env })
  const url = await process.listening()
  return {
    process,
    url,
    directory,
    connect: (workspace) => connectWorkspace({ url: url.replace('http', 'ws'), workspace, actor: 'ada' }),
    stop: async () => {
      process.child.kill('SIGTERM')
      expect(await process.ended).toBe(0)
    },
  }
}

/** Writes one block with `text` and waits until it is durable. */
export async function writeNote(server: TestServer, workspace: string, text: string): Promise<void> {
  const writer = server.connect(workspace)
  await writer.whenSynced
  writer.blocks.create('note', { type: 'text' }).content.insert(0, text)
  await writer.whenDurable()
  await writer.close()
}

/** The text of the block that {@link writeNote} writes. */
export async function readNote(server: TestServer, workspace: string): Promise<string | undefined> {
  const reader = server.connect(workspace)
  await reader.whenSynced
  const text = reader.blocks.get('note')?.content.toString()
  await reader.close()
  return text
}

/** Makes a data directory with one block in each of two workspaces, as a server's rooms would write it. No server runs on it. */
export async function makeData(): Promise<string> {
  const directory = await temporaryDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  for (const [workspace, text] of [
    ['demo', 'first'],
    ['acme/plan', 'second'],
  ] as const) {
    const log = await store.open(workspace)
    const doc = new Y.Doc()
    const append = (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction): void => {
      const touched = touchedPaths(transaction)
      log.append({ update, touched, actor: 'ada', source: 'user_action', connection: 'c1' })
    }
    doc.on('update', append)
    createBlock(doc, 'note', { type: 'text' }).content.insert(0, text)
  }
  await store.close()
  return directory
}
