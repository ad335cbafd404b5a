import { type FormEvent, type ReactNode, useRef } from 'react'
import { CommentField } from './comment-field.tsx'

export interface CommentFormProps {
  /** Name of the field. */
  readonly label: string
  readonly button: string
  /** People who can be addressed. */
  readonly names: readonly string[]
  readonly onSend: (text: string) => void
  readonly isFocused?: boolean
}

/** People who have a button: typing finds the others. */
const BUTTONS_MAX = 4

/** Field for a comment, buttons that address people, and one that sends it. */
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
      <CommentField field={field} label={label} names={names} isFocused={isFocused} onSend={send} />
      <div className="actions">
        {names.slice(0, BUTTONS_MAX).map((name) => (
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
