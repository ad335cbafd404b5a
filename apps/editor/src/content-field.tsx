import { useContentField } from '@joinery/react'
import {
  type FocusEvent,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { Carets } from './carets/caret-layer.tsx'
import { useRemoteCarets } from './carets/remote-carets.ts'
import { useCanWrite } from './keys/use-can-write.ts'
import { useIsPrinted } from './print.ts'
import { openedText, openText } from './text/opened-text.ts'
import { RenderedText, sourceIndexAt } from './text/rendered-text.tsx'

/**
 * Text field of a block, with the carets of the other people in it. While nobody writes in it, the text is shown as its Markdown
 * means it. A larger editor opens by button and by key.
 */
export function ContentField({ id, title }: { id: string; title: string }): ReactNode {
  const fieldRef = useContentField(id)
  const canWrite = useCanWrite()
  const [isMine, setMine] = useState(false)
  // Behind the large editor the card rests: to follow each letter of a long text twice would slow typing down.
  const isCovered = useSyncExternalStore(openedText.subscribe, () => openedText.get()?.block === id)
  const isOthers = useRemoteCarets(id).length > 0
  const isPrinted = useIsPrinted()
  const content = useRef<HTMLDivElement>(null)
  const openLarge = (): void => {
    const field = content.current?.querySelector('textarea')
    openText({ block: id, caret: field?.selectionStart ?? 0 })
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    openLarge()
  }
  const onBlur = ({ currentTarget }: FocusEvent<HTMLTextAreaElement>): void => {
    setMine(false)
    // At rest a card shows how its text begins. A window that is left has not taken the focus away: the caret stays in view.
    if (document.activeElement !== currentTarget) currentTarget.scrollTop = 0
  }
  // The caret goes to the character that was clicked: the source, which appears now, has it at another place.
  const onPointerDown = (event: PointerEvent<HTMLTextAreaElement>): void => {
    const field = event.currentTarget
    const at = content.current === null ? undefined : sourceIndexAt(content.current, event.clientX, event.clientY)
    if (at === undefined || event.button !== 0) return
    field.addEventListener('click', () => field.setSelectionRange(at, at), { once: true })
  }
  return (
    <div className="content nodrag" ref={content}>
      <textarea
        // Made anew, because the hook keeps what the field was when it was bound.
        key={String(canWrite)}
        ref={isCovered ? null : fieldRef}
        readOnly={!canWrite}
        aria-label={`Content of ${title}`}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        placeholder={canWrite ? 'Write here' : 'Nothing is written here'}
        onFocus={() => setMine(true)}
        onBlur={onBlur}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
      />
      {!isCovered && <Carets id={id} />}
      {(isPrinted || (!isMine && !isOthers && !isCovered)) && <RenderedText id={id} isWhole={isPrinted} />}
      <button
        type="button"
        className="quiet write-large"
        aria-label={`Large editor of ${title}`}
        title="Large editor (Ctrl+Enter)"
        onClick={openLarge}
      >
        ⤢
      </button>
    </div>
  )
}
