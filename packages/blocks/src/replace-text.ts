import * as Y from 'yjs'
import { BlocksError } from './blocks-error.ts'
import { mergeFork } from './fork.ts'
import { plainTextOf, writeEdits } from './plain-text.ts'
import { diffText } from './text-diff.ts'

export interface ReplaceTextOptions {
  /** The fork whose text `next` is based on. The edits count as concurrent with everything typed since the fork. */
  readonly basedOn?: Y.Doc
}

/**
 * Makes `next` the plain string of a text by editing only the places that differ, in one transaction. Concurrent typing elsewhere
 * in the text, people's cursors, embeds and the marks of kept characters stay (B47). With `basedOn`, the edits are computed against the fork's state of the text, and merged. Throws
 * `bad_argument` if the fork doesn't hold the text.
 */
export function replaceText(text: Y.Text, next: string, options: ReplaceTextOptions = {}): void {
  editBasedOn(text, (each) => applyDiff(each, next), options)
}

/** Makes an edit in the text, or in the same text of the fork, from where it is merged. Throws `bad_argument` if the fork doesn't hold the text. */
export function editBasedOn(text: Y.Text, edit: (text: Y.Text) => void, { basedOn }: ReplaceTextOptions): void {
  if (basedOn === undefined) {
    edit(text)
    return
  }
  const { doc } = text
  const forked = doc === null ? undefined : sameTextIn(basedOn, text)
  if (doc === null || forked === undefined) {
    throw new BlocksError('bad_argument', 'basedOn does not hold this text: pass a fork of this document', 'basedOn')
  }
  edit(forked)
  mergeFork(doc, basedOn)
}

function applyDiff(text: Y.Text, next: string): void {
  const before = plainTextOf(text)
  const edits = diffText(before, next)
  if (edits.length === 0) return
  if (text.doc === null)
    throw new BlocksError('block_missing', 'The text is no longer part of a document: get the block again')
  text.doc.transact(() => writeEdits(text, before.length, edits))
}

/** The text with the same Yjs id in another doc of the same history; undefined when it isn't there. Never throws. */
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
