import { useComments } from '@joinery/react'
import type { ReactNode } from 'react'
import { showComments } from './comments-door.ts'

interface CommentButtonProps {
  readonly id: string
  readonly title: string
  readonly canWrite: boolean
}

/** Button of a card that opens the comments on it, with the number of the open threads. A reader has one only if there are some. */
export function CommentButton({ id, title, canWrite }: CommentButtonProps): ReactNode {
  const count = useComments(id).filter(({ resolved }) => resolved === undefined).length
  if (count === 0 && !canWrite) return null
  return (
    <button
      type="button"
      className={count > 0 ? 'quiet comments-there' : 'quiet'}
      aria-label={count > 0 ? `Comments on ${title}: ${count} open` : `Comment on ${title}`}
      onClick={() => showComments(id)}
    >
      {count > 0 ? (
        <>
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <path d="M2 3.5h12v8H7.5L4 14.5v-3H2z" fill="none" stroke="currentColor" strokeWidth="1.5" />
          </svg>
          {count}
        </>
      ) : (
        'Comment'
      )}
    </button>
  )
}
