import { expect } from 'vitest'
import * as Y from 'yjs'
import { type Block, type BlocksWriter, createBlock, documentRules, forkDoc, getBlock } from '../index.ts'

export const ADA: BlocksWriter = {
  actor: 'ada',
  source: 'user_action',
  sources: ['user_action'],
  isAuthenticated: true,
}
export const BOB: BlocksWriter = { ...ADA, actor: 'bob' }

/** A server's document and one client's, each update of the client inspected and, if allowed, applied. */
export function serverAnd(writer: BlocksWriter, server = new Y.Doc()) {
  const doc = forkDoc(server)
  const codes: (string | undefined)[] = []
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === 'server') return
    const before = Y.encodeStateAsUpdate(server)
    const refusal = documentRules.inspect(server, update, writer)
    expect(Y.encodeStateAsUpdate(server)).toEqual(before)
    codes.push(refusal?.code)
    if (refusal === undefined) Y.applyUpdate(server, update)
  })
  return { server, doc, codes }
}

export function blockOf(doc: Y.Doc): Block {
  return getBlock(doc, 'b1') ?? createBlock(doc, 'b1', { type: 'text' })
}
