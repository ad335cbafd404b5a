import * as Y from 'yjs'
import { BlocksError } from './blocks-error.ts'
import { mergeFork } from './fork.ts'
import { diffText } from './text-diff.ts'

export interface ReplaceTextOptions {
  /** The fork whose text `next` was written from: edits go in as concurrent with all that was typed since. */
  readonly basedOn?: Y.Doc
}

/** Stands for an embedded object in the text that is compared; whoever rewrites the text doesn't write it, so embeds go. */
const EMBED_PLACEHOLDER = '\uFFFC'

/**
 * Turns a text into `next` by the edits that differ, in one transaction, so that concurrent typing elsewhere in the text
 * and people's cursors stay. With `basedOn` the difference is taken against that fork's state of the same text and
 * merged. Throws `bad_argument` if the fork doesn't hold the text.
 */
export function replaceText(text: Y.Text, next: string, { basedOn }: ReplaceTextOptions = {}): void {
  if (basedOn === undefined) {
    applyDiff(text, next)
    return
  }
  const { doc } = text
  const forked = doc === null ? undefined : sameTextIn(basedOn, text)
  if (doc === null || forked === undefined) {
    throw new BlocksError('bad_argument', 'basedOn is not a fork that holds this text', 'basedOn')
  }
  applyDiff(forked, next)
  mergeFork(doc, basedOn)
}

function applyDiff(text: Y.Text, next: string): void {
  const edits = diffText(plainTextOf(text), next)
  const apply = (): void => {
    // From the end, so that the indexes of the edits before stay true.
    for (const { index, remove, insert } of edits.reverse()) {
      if (insert !== '') text.insert(index + remove, insert)
      if (remove > 0) text.delete(index, remove)
    }
  }
  if (edits.length === 0) return
  if (text.doc === null) throw new BlocksError('block_missing', 'The text is not part of a document any more')
  text.doc.transact(apply)
}

function plainTextOf(text: Y.Text): string {
  const string = text.toString()
  if (string.length === text.length) return string
  const pieces: { insert?: unknown }[] = text.toDelta()
  return pieces.map(({ insert }) => (typeof insert === 'string' ? insert : EMBED_PLACEHOLDER)).join('')
}

/** The text with the same Yjs id in another doc of the same history. Throws nothing; undefined when it isn't there. */
function sameTextIn(fork: Y.Doc, text: Y.Text): Y.Text | undefined {
  if (text._item === null) {
    const found = fork.share.get(Y.findRootTypeKey(text))
    return found instanceof Y.Text ? found : undefined
  }
  const { id } = text._item
  if (Y.getState(fork.store, id.client) <= id.clock) return undefined
  const item: unknown = Y.getItem(fork.store, id)
  if (!(item instanceof Y.Item) || item.deleted || !(item.content instanceof Y.ContentType)) return undefined
  return item.content.type instanceof Y.Text ? item.content.type : undefined
}
