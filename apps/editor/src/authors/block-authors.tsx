import { useProvenance } from '@joinery/react'
import type { ReactNode } from 'react'
import { LastEdit } from '../last-edit.tsx'
import { timeWords } from '../source-words.ts'
import { keyOf, type Share } from './author-runs.ts'
import { authorWords, isByPerson } from './author-words.ts'
import { useAuthorShares } from './use-author-shares.ts'
import './authors.css'

/** Authors that a card names. */
const NAMED_MAX = 2

/** Tells on a card who wrote its text: how much is people's and how much jobs', with names. For a single author, who wrote last. */
export function BlockAuthors({ id }: { id: string }): ReactNode {
  const shares = useAuthorShares(id)
  const stamp = useProvenance(id, 'content')
  if (shares.length < 2 || stamp === undefined) return <LastEdit id={id} />
  const [people, jobs] = [shares.filter(isPersons), shares.filter((share) => !isPersons(share))]
  const sorted = [...people, ...jobs]
  // One of each kind, if there are both.
  const named = people[0] && jobs[0] ? [people[0], jobs[0]] : sorted.slice(0, NAMED_MAX)
  const rest = shares.length - named.length
  const all = sorted.map(({ by, percent }) => `${authorWords(by)} ${percent} %`).join('\n')
  const last = `Last by ${authorWords(stamp)}, ${new Date(stamp.at).toLocaleString()}`
  return (
    <div className="block-authors">
      <span className="author-bar" aria-hidden="true">
        {sorted.map((share) => (
          <span key={keyOf(share.by)} className={kindOf(share)} style={{ flexGrow: share.percent }} />
        ))}
      </span>
      <p className="last-edit" title={`${all}\n${last}`}>
        <span className="hidden">Text by </span>
        {named.map((share) => (
          <span key={keyOf(share.by)} className={`author ${kindOf(share)}`}>
            <span className="name">
              <AuthorName by={share.by} />
            </span>{' '}
            <span>{share.percent} %</span>{' '}
          </span>
        ))}
        {/* There is no room for the time beside two names and a number: pointing at the line tells it. */}
        {rest > 0 ? <span>and {rest} more</span> : <time>{timeWords(stamp.at)}</time>}
      </p>
    </div>
  )
}

/** The mark before the name tells a job from a person: only who does not see it needs the kind in words. */
function AuthorName({ by }: Pick<Share, 'by'>): ReactNode {
  const words = authorWords(by)
  const name = by?.actor ?? words
  return (
    <>
      {name}
      {words !== name && <span className="hidden">{words.slice(name.length)}</span>}
    </>
  )
}

const isPersons = ({ by }: Share): boolean => by !== undefined && isByPerson(by)
const kindOf = (share: Share): string => (isPersons(share) ? 'by-person' : share.by === undefined ? '' : 'by-job')
