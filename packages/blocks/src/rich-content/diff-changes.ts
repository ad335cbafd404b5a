import type { Json } from '../json.ts'
import { type ChangeList, sidesOf, toldValue } from './content-change.ts'
import { below, type ContentPath } from './content-path.ts'
import { jsonFormOf } from './json-form.ts'
import { stepTo } from './lost-subdocuments.ts'
import { isRichType, type RichPiece, type RichType, type RichValue } from './rich-type.ts'
import { innerDiff, type TypeDiff } from './type-diff.ts'

/** Adds the changes of a diff, at every depth, in the order of the content. */
export function addDiffChanges(diff: TypeDiff, at: ContentPath, into: ChangeList): void {
  for (const { key, before, after } of diff.entries) {
    const inner = innerDiff(before, after, diff.budget)
    if (inner !== undefined) addDiffChanges(inner, below(at, { key }), into)
    else {
      const kind = hasAttributes(diff.after.kind) ? 'attribute_changed' : 'key_changed'
      into.add({ ...at, kind, key, ...sidesOf(before && formOf(before), after && formOf(after)) })
    }
  }
  let index = 0
  for (const step of diff.steps) {
    if (step.op !== 'keep') {
      addPiece(step.piece, step.op === 'add', index, diff.after, at, into)
      if (step.op === 'add') index += step.piece.length
      continue
    }
    const { before, after } = step
    if (before.marks.key !== after.marks.key) {
      const marks = { before: marksOf(before), after: marksOf(after) }
      into.add({ ...at, kind: 'formatted', index, length: after.length, ...marks })
    }
    const inner = innerDiff(before.value, after.value, diff.budget)
    if (inner !== undefined) addDiffChanges(inner, below(at, stepTo(index, after)), into)
    index += after.length
  }
}

function addPiece(
  { text, value }: RichPiece,
  isAdded: boolean,
  index: number,
  { kind }: RichType,
  at: ContentPath,
  into: ChangeList,
): void {
  if (text !== undefined) return into.text(at, isAdded ? 'text_inserted' : 'text_deleted', index, text)
  const isEmbed = kind === 'text' || kind === 'xmlText' || value?.kind === 'embed'
  if (isEmbed) into.add({ ...at, kind: isAdded ? 'embed_added' : 'embed_removed', index, value: formOf(value) })
  else {
    const name = isRichType(value) && value.name !== '' ? { name: value.name } : {}
    into.add({ ...at, kind: isAdded ? 'item_added' : 'item_removed', index, ...name, value: formOf(value) })
  }
}

/** True for types whose keys are attributes. */
export function hasAttributes(kind: RichType['kind']): boolean {
  return kind === 'text' || kind === 'xmlText' || kind === 'xmlElement' || kind === 'xmlFragment'
}

function marksOf({ marks }: RichPiece): { readonly [key: string]: Json } {
  return jsonFormOf(marks.attributes) as { readonly [key: string]: Json }
}

function formOf(value: RichValue | undefined): Json {
  if (value === undefined) return null
  if (isRichType(value)) return toldValue(jsonFormOf(value.source, 'delta'))
  return toldValue(value.kind === 'subdocument' ? { type: 'Y.Doc', guid: value.guid } : jsonFormOf(value.value))
}
