import type * as Y from 'yjs'

/** A block as teams store it who have not been bitten yet: one object under one key, written whole. */
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
