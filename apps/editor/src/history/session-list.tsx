import type { WorkspaceHistory } from '@joinery/client'
import { type ReactNode, useEffect, useRef } from 'react'
import { jobKind } from '../authors/author-words.ts'
import { useGoneTitles } from './gone-titles.ts'
import { deedOf, type RootTest, type Session } from './sessions.ts'

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
/** Steps in the list; the slider leads to the others. */
const SHOWN_MAX = 60

export interface SessionListProps {
  readonly source: WorkspaceHistory
  readonly sessions: readonly Session[]
  readonly lsn: number
  /** Present title of a block; undefined for one that is gone. */
  readonly titleOf: (id: string) => string | undefined
  readonly isRoot: RootTest
  readonly onChoose: (lsn: number) => void
}

/** List of steps, newest first: who did what. Each leads to the state right after it. */
export function SessionList({ source, sessions, lsn, titleOf, isRoot, onChoose }: SessionListProps): ReactNode {
  const current = useRef<HTMLButtonElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the step that is shown moves with the slider and with what is loaded
  useEffect(() => {
    // `void`, because newer browsers return a promise, which must not become the effect's cleanup.
    void current.current?.scrollIntoView({ block: 'nearest' })
  }, [lsn, sessions])
  const at = sessions.findIndex(({ last }) => last >= lsn)
  const shown = sessions.slice(Math.max(0, Math.min(sessions.length, Math.max(at + 10, 0) + 1) - SHOWN_MAX))
  const goneTitleOf = useGoneTitles(source, shown, (id) => titleOf(id) === undefined && !isRoot(id))
  return (
    <ol className="sessions" aria-label="Steps">
      {shown.toReversed().map((session) => {
        const isCurrent = session.first <= lsn && lsn <= session.last
        return (
          <li key={session.first}>
            <button
              type="button"
              ref={isCurrent ? current : undefined}
              className="quiet"
              aria-current={isCurrent ? 'step' : undefined}
              onClick={() => onChoose(session.last)}
            >
              <time dateTime={new Date(session.at).toISOString()}>{TIME.format(session.at)}</time>
              <span>
                <strong>{session.actor}</strong>
                {kindWords(session)} {deedOf(session, titleOf, isRoot, goneTitleOf)}
              </span>
            </button>
          </li>
        )
      })}
    </ol>
  )
}

/** The kind of job that wrote: its name alone does not tell it from a person. */
function kindWords(session: Session): ReactNode {
  const kind = jobKind(session)
  return kind === undefined ? null : <span className="soft">, {kind},</span>
}
