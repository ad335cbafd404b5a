import { below, type ContentPath, type PathStep } from './content-path.ts'
import { subdocumentsIn } from './rich-reader.ts'
import { isRichType, type RichPiece, type RichValue } from './rich-type.ts'
import { innerDiff, type TypeDiff } from './type-diff.ts'

/** Something that edits can't bring about. */
export interface Unrestorable extends ContentPath {
  readonly what: 'subdocument' | 'value'
  /** The subdocument. */
  readonly guid?: string
  readonly why: string
}

/** The subdocuments that {@link TypeDiff} would have to add or remove, which `writeType` does not do. */
export function lostSubdocuments(diff: TypeDiff, at: ContentPath): Unrestorable[] {
  const found: Unrestorable[] = []
  const collect = (before: RichValue | undefined, after: RichValue | undefined, step: PathStep): void => {
    const inner = innerDiff(before, after, diff.budget)
    const place = below(at, step)
    for (const lost of inner ? lostSubdocuments(inner, place) : changedSubdocuments(before, after, place))
      found.push(lost)
  }
  for (const { key, before, after } of diff.entries) collect(before, after, { key })
  let index = 0
  for (const step of diff.steps) {
    const [before, after] = [
      step.op === 'keep' ? step.before : step.op === 'remove' ? step.piece : undefined,
      step.op === 'keep' ? step.after : step.op === 'add' ? step.piece : undefined,
    ]
    if (before?.value?.key !== after?.value?.key) collect(before?.value, after?.value, stepTo(index, after ?? before))
    index += after?.length ?? 0
  }
  return found
}

/** The subdocuments of a value that goes and of one that comes. */
export function changedSubdocuments(
  before: RichValue | undefined,
  after: RichValue | undefined,
  at: ContentPath,
): Unrestorable[] {
  const ofGone = before?.kind === 'subdocument' ? 'stays: it was not here then' : 'goes with what holds it'
  return [
    ...subdocumentsIn(before).map((guid) => lost(at, guid, `the subdocument ${ofGone}`)),
    ...subdocumentsIn(after).map((guid) =>
      lost(
        at,
        guid,
        'the subdocument does not come back: its content is a document of its own, which this log does not hold',
      ),
    ),
  ]
}

function lost(at: ContentPath, guid: string, why: string): Unrestorable {
  return { ...at, what: 'subdocument', guid, why }
}

/** The step to a piece of a sequence. */
export function stepTo(index: number, piece: RichPiece | undefined): PathStep {
  const name = isRichType(piece?.value) ? piece.value.name : ''
  return { index, ...(name !== '' && { name }) }
}
