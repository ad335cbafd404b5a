import type { ReactNode } from 'react'
import { type Author, keyOf, type Run, sharesOf } from './author-runs.ts'
import { authorWords, isByPerson } from './author-words.ts'
import type { AuthorRuns } from './use-author-runs.ts'
import './authors.css'

/** Authors that are named one by one: the others are told by their number. */
const NAMED_MAX = 6

interface AuthorsBarProps {
  readonly authors: AuthorRuns
  /** Author at the caret, while passages are shown. */
  readonly here: Author | undefined
  readonly onToggle: () => void
}

/** Button that shows who wrote which passage, with a legend, and the author at the caret in words. */
export function AuthorsBar({ authors, here, onToggle }: AuthorsBarProps): ReactNode {
  return (
    <div className="authors">
      <button type="button" className="quiet" aria-pressed={authors.state !== 'off'} onClick={onToggle}>
        Who wrote what
      </button>
      {authors.state === 'reading' && <span className="soft">Reading…</span>}
      {authors.state === 'failed' && (
        <span role="alert" className="problem">
          The authors could not be read: {authors.reason}
        </span>
      )}
      {authors.state === 'read' && <Legend runs={authors.runs} />}
      <span role="status" className="soft">
        {authors.state === 'read' && authors.runs.length > 0 && `At the caret: ${authorWords(here)}`}
      </span>
    </div>
  )
}

function Legend({ runs }: { runs: readonly Run<Author | undefined>[] }): ReactNode {
  const shares = sharesOf(runs)
  const more = shares.length - NAMED_MAX
  return (
    <ul aria-label="Authors">
      {shares.slice(0, NAMED_MAX).map(({ by, percent }) => (
        <li key={keyOf(by)} className={by === undefined ? '' : isByPerson(by) ? 'by-person' : 'by-job'}>
          <span>{authorWords(by)}</span> {percent} %
        </li>
      ))}
      {more > 0 && <li>and {more} more</li>}
    </ul>
  )
}
