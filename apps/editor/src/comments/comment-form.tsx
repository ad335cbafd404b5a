import { COMMENT_LIMITS } from '@joinery/blocks'
import { type FormEvent, type KeyboardEvent, type ReactNode, useRef } from 'react'

export interface CommentFormProps {
  /** Name of the field. */
  readonly label: string
  readonly button: string
  /** People who can be addressed. */
  readonly names: readonly string[]
  readonly onSend: (text: string) => void
  readonly isFocused?: boolean
}

/** Field for a comment. Ctrl or Command + Enter sends it. */
export function CommentForm({ label, button, names, onSend, isFocused = false }: CommentFormProps): ReactNode {
  const field = useRef<HTMLTextAreaElement>(null)
  const send = (event?: FormEvent): void => {
    event?.preventDefault()
    const text = field.current?.value.trim() ?? ''
    if (text === '' || field.current === null) return
    onSend(text)
    field.current.value = ''
    field.current.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const isCommand = event.ctrlKey || event.metaKey
    if (event.key === 'Enter' && isCommand) send()
    // Undo and redo belong to this field, and not to the workspace, until the comment is sent.
    if (isCommand && ['z', 'y'].includes(event.key.toLowerCase())) event.stopPropagation()
  }
  const mention = (name: string): void => {
    const { current } = field
    if (current === null) return
    const before = current.value.slice(0, current.selectionStart)
    const space = before === '' || /\s$/.test(before) ? '' : ' '
    current.setRangeText(`${space}@${name} `, current.selectionStart, current.selectionEnd, 'end')
    current.focus()
  }
  return (
    <form className="comment-form" onSubmit={send}>
      <textarea
        ref={field}
        aria-label={label}
        placeholder={label}
        rows={2}
        maxLength={COMMENT_LIMITS.textLengthMax}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        // biome-ignore lint/a11y/noAutofocus: the form appears by a button, for this field
        autoFocus={isFocused}
        onKeyDown={onKeyDown}
      />
      <div>
        {names.map((name) => (
          <button key={name} type="button" className="quiet" onClick={() => mention(name)}>
            <span className="hidden">Mention </span>@{name}
          </button>
        ))}
        <button type="submit" className="primary">
          {button}
        </button>
      </div>
    </form>
  )
}
