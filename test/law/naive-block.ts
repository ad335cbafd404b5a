import type * as Y from 'yjs'

/** A block as many teams store it: one object under one key, always written whole. */
export interface NaiveBlock {
  readonly content: string
  readonly indexes: Readonly<Record<string, string>>
}

export function readNaive(doc: Y.Doc): NaiveBlock {
  return (doc.getMap('naive').get('b') as NaiveBlock | undefined) ?? { content: '', indexes: {} }
}

export function writeNaive(doc: Y.Doc, block: NaiveBlock): void {
  doc.getMap('naive').set('b', block)
}
