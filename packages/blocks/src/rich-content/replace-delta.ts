import * as Y from 'yjs'
import { BlocksError } from '../blocks-error.ts'
import { editBasedOn, type ReplaceTextOptions } from '../replace-text.ts'
import { alignSequences } from './align.ts'
import { type DeltaPiece, embedForm, jsonFormOf } from './json-form.ts'
import { RichReader } from './rich-reader.ts'
import type { RichPiece, RichValue } from './rich-type.ts'
import { fillOf } from './type-diff.ts'
import { writeText, writeType } from './write-type.ts'

/**
 * Makes a text show `delta` by editing only the places that differ, in one transaction: characters, marks and embeds. An embed that
 * reads as the delta has it stays as it is, whatever Yjs type it is. With `basedOn`, the edits are made in the fork, and merged.
 * Throws `bad_argument` if the fork doesn't hold the text, and `block_missing`.
 */
export function replaceDelta(text: Y.Text, delta: readonly DeltaPiece[], options: ReplaceTextOptions = {}): void {
  editBasedOn(text, (each) => writeDelta(each, delta), options)
}

function writeDelta(text: Y.Text, delta: readonly DeltaPiece[]): void {
  const { doc } = text
  if (doc === null)
    throw new BlocksError('block_missing', 'The text is no longer part of a document: get the block again')
  const reader = new RichReader()
  const originals = new Map<number, RichValue>()
  const before = reader.read(text).pieces.map((piece): RichPiece => {
    const marks = reader.marks(jsonFormOf(piece.marks.attributes) as Record<string, unknown>)
    if (piece.value === undefined) return { ...piece, marks }
    const form = embedForm(
      'source' in piece.value ? piece.value.source : 'value' in piece.value ? piece.value.value : null,
    )
    const value = reader.leaf('embed', form)
    originals.set(value.key, piece.value)
    return { ...piece, value, marks }
  })
  const after = delta.flatMap(({ insert, attributes = {} }, clock): RichPiece[] => {
    if (insert === '') return []
    const set = Object.entries(attributes).filter(([, value]) => value !== null)
    const marks = reader.marks(Object.fromEntries(set))
    const isText = typeof insert === 'string'
    const value = isText ? undefined : reader.leaf('embed', insert)
    return [{ client: -1, clock, length: isText ? insert.length : 1, text: isText ? insert : undefined, value, marks }]
  })
  const steps = alignSequences(before, after).map((step) => {
    const original =
      step.op === 'add' && step.piece.value !== undefined ? originals.get(step.piece.value.key) : undefined
    // An embed that has moved is a copy of what it was, of its Yjs type.
    return step.op === 'add' && original ? { ...step, piece: { ...step.piece, value: original } } : step
  })
  if (steps.every((step) => step.op === 'keep' && step.before.marks.key === step.after.marks.key)) return
  Y.transact(doc, (transaction) => {
    for (const [type, content] of writeText(text, steps)) writeType(transaction, type, fillOf(content))
  })
}
