import { type Block, getBlock, type IndexingStatus } from '@joinery/blocks'
import { encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

export const ROBOT = { source: 'workflow_execution', actor: 'robot' } as const

export function blockOf(doc: Y.Doc): Block {
  const block = getBlock(doc, 'b1')
  if (block === undefined) throw new Error('block b1 is not there')
  return block
}

/** Claims that stand in the document, beaten ones included. */
export function liveClaims(doc: Y.Doc): number {
  const list = blockOf(doc).map.get('indexingList')
  if (!(list instanceof Y.Array)) throw new Error('block b1 has no list')
  return list.length
}

/**
 * A report on the index `words` of `base`, made by a pod that sees nothing after `base`, in the name of `clientID`: one
 * update, to be sent whenever a test likes.
 */
export function reportUpdate(base: Uint8Array, clientID: number, actor: string, status: IndexingStatus): Uint8Array {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, base)
  doc.clientID = clientID
  const before = Y.encodeStateVector(doc)
  const { indexingList } = blockOf(doc)
  const run = indexingList.get('words')?.run
  if (run === undefined) throw new Error('index words has no run')
  indexingList.report('words', run, status, { source: 'workflow_execution', actor })
  return Y.encodeStateAsUpdate(doc, before)
}

/** Connects, sends one update, and cuts the connection once the update is durable, without seeing the result. */
export async function sendAndDie(url: string, path: string, actor: string, update: Uint8Array): Promise<void> {
  const query = { actor, source: 'workflow_execution' }
  const client = await RawClient.open({ url, path, query, wantsJoinery: true })
  client.sendUpdateFrame(encodeUpdate(update))
  await until(`${actor}'s report is durable`, () => client.framesDurable === client.framesSent)
  client.cut()
  await client.ended
}

/** A figure of the server's `/metrics`. */
export async function metric(url: string, name: string): Promise<number> {
  const response = await fetch(`${url.replace('ws:', 'http:')}/metrics`)
  const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `))
  if (line === undefined) throw new Error(`there is no metric ${name}`)
  return Number(line.slice(name.length + 1))
}
