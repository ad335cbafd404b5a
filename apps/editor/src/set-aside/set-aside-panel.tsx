import { replaceText } from '@joinery/blocks'
import { placeLast, type SetAsideCopy, type Workspace } from '@joinery/client'
import { useBlocks, useSaveStatus, useServer, useWorkspace } from '@joinery/react'
import { type MouseEvent, type ReactNode, useEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import { TextDifference } from '../history/text-difference.tsx'
import { openBlock } from '../panels/open-block.ts'
import { Panel } from '../panels/panel.tsx'
import { Problem } from '../panels/problem.tsx'
import { causeWords } from './cause-words.ts'
import { type KeptText, keptTexts } from './kept-texts.ts'
import type { SetAside } from './use-set-aside.ts'
import './set-aside.css'

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function SetAsidePanel({ setAside, onClose }: { setAside: SetAside; onClose: () => void }): ReactNode {
  const canWrite = useServer()?.access === 'write'
  return (
    <Panel title="Set aside" onClose={onClose}>
      <p className="soft">
        These edits are not in the workspace, and nobody else sees them.{' '}
        {canWrite
          ? 'Put back what you want to keep: it becomes a new edit of yours, which Undo takes back.'
          : 'Copy or download what you want to keep.'}
      </p>
      {setAside.copies.length === 0 && <p>Nothing is set aside.</p>}
      <ol className="set-aside">
        {setAside.copies.map((copy) => (
          <li key={copy.id}>
            <Copy copy={copy} onDiscard={() => setAside.discard(copy.id)} />
          </li>
        ))}
      </ol>
    </Panel>
  )
}

type Content =
  | { readonly state: 'reading' }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'read'; readonly update: Uint8Array }

function failureOf(error: unknown): Content {
  return { state: 'failed', reason: error instanceof Error ? error.message : String(error) }
}

function Copy({ copy, onDiscard }: { copy: SetAsideCopy; onDiscard: () => Promise<void> }): ReactNode {
  const workspace = useWorkspace()
  const [content, setContent] = useState<Content>({ state: 'reading' })
  useEffect(() => {
    const controller = new AbortController()
    workspace.readSetAside(copy.id).then(
      (update) => {
        if (controller.signal.aborted) return
        setContent(
          update === undefined
            ? { state: 'failed', reason: 'It was deleted in another tab.' }
            : { state: 'read', update },
        )
      },
      (error: unknown) => controller.signal.aborted || setContent(failureOf(error)),
    )
    return () => controller.abort()
  }, [workspace, copy.id])
  return (
    <>
      <h3>
        <time dateTime={new Date(copy.atMs).toISOString()}>{MOMENT.format(copy.atMs)}</time>
      </h3>
      <p>{causeWords(copy)}</p>
      {content.state === 'reading' && <p className="soft">Reading…</p>}
      {content.state === 'failed' && <Problem reason={content.reason} />}
      {content.state === 'read' && <Texts copy={copy} update={content.update} />}
      <footer>
        {content.state === 'read' && <DownloadLink update={content.update} atMs={copy.atMs} />}
        <Discard onDiscard={() => void onDiscard().catch((error: unknown) => setContent(failureOf(error)))} />
      </footer>
    </>
  )
}

function Texts({ copy, update }: { copy: SetAsideCopy; update: Uint8Array }): ReactNode {
  const workspace = useWorkspace()
  const server = useServer()
  // Rendered again when a block comes or goes, when the server's state has come, and after each click here.
  useBlocks()
  useSaveStatus()
  const [, renderAgain] = useState(0)
  const texts = keptTexts(copy.cause, update, workspace.doc)
  if (texts === undefined)
    return <p>The edits build on text that is gone, so they can’t be shown. Download them to keep them.</p>
  if (texts.length === 0) return <p className="soft">All of its texts are in the workspace as they are.</p>
  const actor = server?.actor
  const edit = (make: (actor: string) => string): void => {
    if (actor === undefined) return
    // Rendered at once, so that the block can be brought into view.
    const id = flushSync(() => {
      renderAgain((count) => count + 1)
      return make(actor)
    })
    openBlock(id, { keepsFocus: true })
  }
  return (
    <ul className="differences" aria-label="Texts">
      {texts.map((text) => (
        <li key={text.id}>
          <h4>{text.title}</h4>
          {text.now === undefined && <p className="soft">There is no such block any more.</p>}
          <TextDifference before={text.now ?? ''} after={text.kept} />
          <p>
            <CopyButton text={text.kept} />
            {server?.access === 'write' && (
              <>
                {text.now !== undefined && (
                  <button type="button" onClick={() => edit(() => replaceIn(workspace, text))}>
                    Put back
                  </button>
                )}
                <button type="button" onClick={() => edit((name) => addAsBlock(workspace, text, name))}>
                  Put back as a new block
                </button>
              </>
            )}
          </p>
        </li>
      ))}
    </ul>
  )
}

/** Makes a kept text the present one, as one undo step. Returns the block's id. */
function replaceIn(workspace: Workspace, { id, kept }: KeptText): string {
  workspace.undo.split()
  workspace.transact(() => {
    const content = workspace.blocks.get(id)?.content
    if (content !== undefined) replaceText(content, kept)
  })
  workspace.undo.split()
  return id
}

/** Makes a block of a kept text, as one undo step. Returns its id. */
function addAsBlock(workspace: Workspace, { title, type, kept }: KeptText, actor: string): string {
  const author = { source: 'user_action', actor } as const
  workspace.undo.split()
  const id = workspace.transact(() => {
    const block = workspace.blocks.create({ type })
    block.fields.set('title', `${title} (set aside)`, author)
    block.content.insert(0, kept)
    placeLast(workspace, block.id, author)
    return block.id
  })
  workspace.undo.split()
  return id
}

/** Copies a text to the clipboard, and says whether it is there: a browser may refuse it. */
function CopyButton({ text }: { text: string }): ReactNode {
  const [words, setWords] = useState('Copy')
  const copy = (): void => {
    const { clipboard } = navigator as { clipboard?: Clipboard }
    const done = clipboard?.writeText(text) ?? Promise.reject(new Error('this page has no clipboard'))
    done.then(
      () => setWords('Copied'),
      () => setWords('The browser refused: select the text and copy it'),
    )
  }
  return (
    <button type="button" onClick={copy}>
      {words}
    </button>
  )
}

/** A link that saves the edits as one Yjs update, for people who help. */
function DownloadLink({ update, atMs }: { update: Uint8Array; atMs: number }): ReactNode {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([new Uint8Array(update)], { type: 'application/octet-stream' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [update])
  const name = `set-aside-${new Date(atMs).toISOString().slice(0, 19).replaceAll(':', '-')}.bin`
  return (
    <a href={url} download={name}>
      Download
    </a>
  )
}

/** Asks once. The focus stays inside the panel: on one button that changes its name, and at the end on the panel's heading. */
function Discard({ onDiscard }: { onDiscard: () => void }): ReactNode {
  const [isAsking, setAsking] = useState(false)
  const discardFrom = ({ currentTarget }: MouseEvent<HTMLElement>): void => {
    currentTarget.closest('aside')?.querySelector('h2')?.focus()
    onDiscard()
  }
  return (
    <>
      <button type="button" onClick={() => setAsking(!isAsking)}>
        {isAsking ? 'Keep' : 'Delete'}
      </button>
      {isAsking && (
        <button type="button" className="primary" onClick={discardFrom}>
          Delete for good
        </button>
      )}
    </>
  )
}
