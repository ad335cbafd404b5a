import { addComment, type CommentThread, removeComment, reopenThread, resolveThread } from '@joinery/blocks'
import { useField, useObservable, useWorkspace } from '@joinery/react'
import { type ReactNode, useState } from 'react'
import { Avatar } from '../avatar.tsx'
import { titleOf } from '../block-title.ts'
import { useCanWrite } from '../keys/use-can-write.ts'
import { openBlock } from '../panels/open-block.ts'
import { Panel } from '../panels/panel.tsx'
import type { Person } from '../person.ts'
import { useHue } from '../use-hue.ts'
import { allThreadsOf, type BlockThreads } from './all-threads.ts'
import { CommentForm } from './comment-form.tsx'
import { useKnownPeople } from './known-people.ts'
import { mentionsIn, piecesOf } from './mentions.ts'
import './comments.css'

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' })

export interface CommentsPanelProps {
  readonly self: Person
  /** The name under which the server knows this person. */
  readonly actor: string
  /** The block whose comments come first, with a field for a new one. */
  readonly block: string | undefined
  readonly onClose: () => void
}

export function CommentsPanel({ self, actor, block, onClose }: CommentsPanelProps): ReactNode {
  const workspace = useWorkspace()
  const all = useObservable(allThreadsOf(workspace))
  const [isShowingResolved, setShowingResolved] = useState(false)
  const names = useKnownPeople([self.name, actor])
  const known = [...names, self.name, actor]
  const isThere = block !== undefined && workspace.blocks.get(block) !== undefined
  const rows = isThere && !all.some((it) => it.block === block) ? [{ block, threads: [] }, ...all] : all
  const sorted = [...rows].sort((a, b) => Number(b.block === block) - Number(a.block === block))
  const resolvedCount = all.flatMap(({ threads }) => threads).filter(({ resolved }) => resolved !== undefined).length
  return (
    <Panel title="Comments" onClose={onClose}>
      {rows.length === 0 && (
        <p className="soft">
          Nobody has commented on a block yet. <b>Comment</b> on a block begins a thread, and @ with a name calls
          somebody.
        </p>
      )}
      {sorted.map((row) => (
        <BlockComments
          key={row.block}
          row={row}
          isChosen={row.block === block}
          isShowingResolved={isShowingResolved}
          actor={actor}
          names={names}
          known={known}
        />
      ))}
      {resolvedCount > 0 && (
        <button type="button" className="quiet" onClick={() => setShowingResolved(!isShowingResolved)}>
          {isShowingResolved ? 'Hide' : 'Show'} {resolvedCount} resolved
        </button>
      )}
    </Panel>
  )
}

interface BlockCommentsProps {
  readonly row: BlockThreads
  readonly isChosen: boolean
  readonly isShowingResolved: boolean
  readonly actor: string
  readonly names: readonly string[]
  readonly known: readonly string[]
}

function BlockComments({ row, isChosen, isShowingResolved, actor, names, known }: BlockCommentsProps): ReactNode {
  const workspace = useWorkspace()
  const title = titleOf(useField(row.block, 'title'), row.block)
  const shown = row.threads.filter(({ resolved }) => resolved === undefined || isShowingResolved)
  const [isAsked, setAsked] = useState(false)
  const canWrite = useCanWrite()
  const isOpen = isChosen || isAsked
  if (shown.length === 0 && !isOpen) return null
  const write = (text: string, thread?: string): void => {
    edit((block) =>
      addComment(block, { text, mentions: mentionsIn(text, known), ...(thread !== undefined && { thread }) }, author),
    )
  }
  const author = { source: 'user_action', actor } as const
  const edit = (change: (block: NonNullable<ReturnType<typeof workspace.blocks.get>>) => unknown): void => {
    const block = workspace.blocks.get(row.block)
    if (block === undefined) return
    workspace.undo.split()
    workspace.transact(() => change(block))
    workspace.undo.split()
  }
  return (
    <section className="block-comments" aria-label={`Comments on ${title}`}>
      <h3>
        <button type="button" className="quiet" onClick={() => openBlock(row.block)}>
          {title}
        </button>
      </h3>
      {shown.map((thread) => (
        <Thread
          key={thread.id}
          thread={thread}
          canWrite={canWrite}
          actor={actor}
          names={names}
          onReply={(text) => write(text, thread.id)}
          onRemove={(id) => edit((block) => removeComment(block, thread.id, id))}
          onResolve={() => edit((block) => resolveThread(block, thread.id, author))}
          onReopen={() => edit((block) => reopenThread(block, thread.id))}
        />
      ))}
      {!canWrite ? null : isOpen ? (
        <CommentForm label={`Comment on ${title}`} button="Comment" names={names} onSend={write} isFocused />
      ) : (
        <button type="button" className="quiet" onClick={() => setAsked(true)}>
          New thread<span className="hidden"> on {title}</span>
        </button>
      )}
    </section>
  )
}

function WriterAvatar({ name, isJob }: { name: string; isJob: boolean }): ReactNode {
  return <Avatar person={{ name, hue: useHue(name) }} isJob={isJob} />
}

interface ThreadProps {
  readonly thread: CommentThread
  readonly canWrite: boolean
  readonly actor: string
  readonly names: readonly string[]
  readonly onReply: (text: string) => void
  readonly onRemove: (id: string) => void
  readonly onResolve: () => void
  readonly onReopen: () => void
}

function Thread({ thread, canWrite, actor, names, onReply, onRemove, onResolve, onReopen }: ThreadProps): ReactNode {
  const [isReplying, setReplying] = useState(false)
  const { comments, resolved } = thread
  return (
    <article className={resolved === undefined ? 'thread' : 'thread resolved'}>
      {comments.map(({ id, actor: by, source, at, text, mentions }) => (
        <div key={id} className="comment">
          <WriterAvatar name={by} isJob={source !== 'user_action'} />
          <p className="by">
            <b>{by}</b> <time dateTime={new Date(at).toISOString()}>{TIME.format(at)}</time>
            {by === actor && canWrite && (
              <button type="button" className="quiet" onClick={() => onRemove(id)}>
                Delete<span className="hidden"> this comment</span>
              </button>
            )}
          </p>
          <p className="words">
            {piecesOf(text, mentions).map((piece, n) =>
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text that does not change
              piece.isMention ? <mark key={n}>{piece.text}</mark> : piece.text,
            )}
          </p>
        </div>
      ))}
      <footer>
        {!canWrite ? (
          resolved !== undefined && <span className="soft">{resolved.actor} resolved it.</span>
        ) : resolved === undefined ? (
          <>
            {!isReplying && (
              <button type="button" className="quiet" onClick={() => setReplying(true)}>
                Reply
              </button>
            )}
            <button type="button" className="quiet" onClick={onResolve}>
              Resolve
            </button>
          </>
        ) : (
          <>
            <span className="soft">{resolved.actor} resolved it.</span>
            <button type="button" className="quiet" onClick={onReopen}>
              Open again
            </button>
          </>
        )}
      </footer>
      {isReplying && resolved === undefined && (
        <CommentForm
          label="Reply"
          button="Reply"
          names={names}
          isFocused
          onSend={(text) => {
            onReply(text)
            setReplying(false)
          }}
        />
      )}
    </article>
  )
}
