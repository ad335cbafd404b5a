import { expect } from 'vitest'
import * as Y from 'yjs'
import {
  type Block,
  type BlocksWriter,
  createBlock,
  documentRules,
  forkDoc,
  getBlock,
  type RuledBlocks,
} from '../index.ts'

export const ADA: BlocksWriter = {
  actor: 'ada',
  source: 'user_action',
  sources: ['user_action'],
  isAuthenticated: true,
}
export const BOB: BlocksWriter = { ...ADA, actor: 'bob' }

const opened = new WeakMap<Y.Doc, RuledBlocks>()

/** The rules over a server's document. All its writers share them. */
export function rulesOf(server: Y.Doc): RuledBlocks {
  const known = opened.get(server)
  if (known !== undefined) return known
  const ruled = documentRules.open(server)
  opened.set(server, ruled)
  return ruled
}

/** A server's document and one client's. Each update of the client is inspected and, if it passes, applied. */
export function serverAnd(writer: BlocksWriter, server = new Y.Doc()) {
  const doc = forkDoc(server)
  const codes: (string | undefined)[] = []
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === 'server') return
    const before = Y.encodeStateAsUpdate(server)
    const refusal = rulesOf(server).inspect(update, writer)
    expect(Y.encodeStateAsUpdate(server)).toEqual(before)
    codes.push(refusal?.code)
    if (refusal === undefined) Y.applyUpdate(server, update)
  })
  return { server, doc, codes }
}

export function blockOf(doc: Y.Doc): Block {
  return getBlock(doc, 'b1') ?? createBlock(doc, 'b1', { type: 'text' })
}
