import type { BlockDifference, Difference } from '@joinery/client'
import type { ReactNode } from 'react'
import { openBlock } from '../panels/open-block.ts'
import { textOf } from './block-words.ts'
import { entryWords } from './entry-words.ts'
import { fieldWords } from './field-words.ts'
import { TextDifference } from './text-difference.tsx'

/** Shows a difference between a past state and now, block by block. */
export function DifferenceList({
  difference: { added, removed, changed },
  titleOf,
}: {
  difference: Difference
  titleOf: (id: string) => string
}): ReactNode {
  if (added.length + removed.length + changed.length === 0) {
    return <p className="soft">Nothing has changed since then.</p>
  }
  return (
    <ul className="differences">
      {removed.map((block) => (
        <li key={block.id}>
          <h3>{textOf(block.fields.title, block.id)}</h3>
          <p className="mark gone">Deleted since then</p>
          <TextDifference before={block.content} after="" />
        </li>
      ))}
      {changed.map((block) => (
        <ChangedBlock key={block.id} block={block} title={titleOf(block.id)} />
      ))}
      {added.map((block) => (
        <li key={block.id}>
          <BlockHeading id={block.id} title={titleOf(block.id)} />
          <p className="mark new">Added since then</p>
          <TextDifference before="" after={block.content} />
        </li>
      ))}
    </ul>
  )
}

function BlockHeading({ id, title }: { id: string; title: string }): ReactNode {
  return (
    <h3>
      <button type="button" className="quiet" onClick={() => openBlock(id)}>
        {title}
      </button>
    </h3>
  )
}

function ChangedBlock({ block, title }: { block: BlockDifference; title: string }): ReactNode {
  const { id, type, content, indexing, fields, data } = block
  // Fields with coordinates and comments are told in a sentence.
  const told = new Set(fields.flatMap(({ key }) => fieldWords(key).change ?? []))
  const values = [
    ...indexing.map(({ index, before, after }) => ({ name: `Index ${index}`, ...sides(before, after, entryWords) })),
    ...[...fields.filter(({ key }) => fieldWords(key).change === undefined), ...data].map(({ key, before, after }) => ({
      name: fieldWords(key).name ?? key,
      ...sides(before, after, valueWords),
    })),
    ...(type === undefined ? [] : [{ name: 'Type', ...type }]),
  ]
  return (
    <li>
      <BlockHeading id={id} title={title} />
      {[...told].map((words) => (
        <p key={words} className="soft">
          {words}
        </p>
      ))}
      {content !== undefined && <TextDifference {...content} />}
      {values.length > 0 && (
        <dl>
          {values.map(({ name, before, after }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  )
}

function sides<T>(before: T, after: T, words: (side: T) => string) {
  return { before: words(before), after: words(after) }
}

function valueWords(value: unknown): string {
  return value === null ? 'none' : textOf(value, '')
}
