import type { PastPage } from '@joinery/client'
import type { ReactNode } from 'react'
import { textOf } from './block-words.ts'
import { entryWords } from './entry-words.ts'

/** Shows the blocks of a past state, read-only. */
export function PastBlocks({ past: { blocks, next } }: { past: PastPage }): ReactNode {
  if (blocks.length === 0) return <p className="soft">There were no blocks.</p>
  return (
    <ul className="differences" aria-label="Blocks as they were">
      {blocks.map(({ id, fields, content, indexingList }) => (
        <li key={id}>
          <h3>{textOf(fields.title, id)}</h3>
          {content === '' ? <p className="soft">No text.</p> : <p className="past-text">{content}</p>}
          {indexingList.length > 0 && (
            <dl>
              {indexingList.map((entry) => (
                <div key={entry.index_name}>
                  <dt>Index {entry.index_name}</dt>
                  <dd>{entryWords(entry)}</dd>
                </div>
              ))}
            </dl>
          )}
        </li>
      ))}
      {next !== undefined && <li className="soft">There were more blocks than this list shows.</li>}
    </ul>
  )
}
