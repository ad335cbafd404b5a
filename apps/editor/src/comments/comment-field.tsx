import { COMMENT_LIMITS } from '@joinery/blocks'
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useId, useState } from 'react'
import { Avatar } from '../avatar.tsx'
import { useHue } from '../use-hue.ts'
import { nameOffer } from './mentions.ts'

export interface CommentFieldProps {
  readonly field: RefObject<HTMLTextAreaElement | null>
  readonly label: string
  /** People who can be addressed. */
  readonly names: readonly string[]
  readonly isFocused: boolean
  readonly onSend: () => void
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }

/**
 * Field for a comment. Ctrl or Command + Enter sends it. An @ offers people in a list, while the focus stays in the field: arrow keys
 * choose, Enter or Tab takes the name, Escape leaves the list. A person who becomes known later joins the list.
 */
export function CommentField({ field, label, names, isFocused, onSend }: CommentFieldProps): ReactNode {
  const list = useId()
  // The text before the caret at the last letter, as long as it may ask for a name.
  const [asked, setAsked] = useState<string>()
  const offer = asked === undefined ? undefined : nameOffer(asked, names)
  // By name: another place in the list is another person's when somebody joins it.
  const [pointed, setPointed] = useState<string>()
  const chosen = Math.max(0, offer?.names.indexOf(pointed ?? '') ?? 0)
  const chosenName = offer?.names[chosen]
  useEffect(() => {
    if (chosenName !== undefined) document.getElementById(`${list}-${chosen}`)?.scrollIntoView({ block: 'nearest' })
  }, [list, chosen, chosenName])
  const ask = (before: string | undefined): void => {
    setAsked(before)
    setPointed(before === undefined ? undefined : nameOffer(before, names)?.names[0])
  }
  const caretMoved = (input: HTMLTextAreaElement): void => {
    const before = beforeCaret(input)
    // Away from the name, or to another letter of it.
    if (before !== asked) ask(offer === undefined ? undefined : before)
  }
  const take = (name: string | undefined): void => {
    const { current } = field
    if (current === null || offer === undefined || name === undefined) return
    current.setRangeText(`@${name} `, offer.from, current.selectionStart, 'end')
    ask(undefined)
  }
  const send = (): void => {
    ask(undefined)
    onSend()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const isCommand = event.ctrlKey || event.metaKey
    // Undo and redo belong to this field, and not to the workspace, until the comment is sent.
    if (isCommand && ['z', 'y'].includes(event.key.toLowerCase())) event.stopPropagation()
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && isCommand) return send()
    const step = STEPS[event.key]
    if (offer === undefined || isCommand || event.shiftKey || event.altKey) return
    if (event.key === 'Escape') ask(undefined)
    else if (event.key === 'Enter' || event.key === 'Tab') take(chosenName)
    else if (step !== undefined) setPointed(offer.names.at((chosen + step) % offer.names.length))
    else return
    event.preventDefault()
    // Escape closes the list, and not the panel.
    event.stopPropagation()
  }
  return (
    <div className="comment-field">
      <textarea
        ref={field}
        aria-label={label}
        placeholder={label}
        rows={2}
        maxLength={COMMENT_LIMITS.textLengthMax}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls={offer === undefined ? undefined : list}
        aria-activedescendant={offer === undefined ? undefined : `${list}-${chosen}`}
        // biome-ignore lint/a11y/noAutofocus: the form appears by a button, for this field
        autoFocus={isFocused}
        onInput={({ currentTarget }) => ask(beforeCaret(currentTarget))}
        onSelect={({ currentTarget }) => caretMoved(currentTarget)}
        onBlur={() => ask(undefined)}
        onKeyDown={onKeyDown}
      />
      {offer !== undefined && (
        <div id={list} role="listbox" aria-label="People to mention">
          {offer.names.map((name, index) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, as in every combobox
            <div
              key={name}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === chosen}
              onPointerMove={() => setPointed(name)}
              // Not at the click: by then the press has taken the focus from the field.
              onPointerDown={(event) => {
                event.preventDefault()
                take(name)
              }}
            >
              <OfferedAvatar name={name} />
              <span className="name">{name}</span>
            </div>
          ))}
        </div>
      )}
      <span className="hidden" role="status">
        {offer !== undefined && `${offer.names.length} people to mention`}
      </span>
    </div>
  )
}

/** Undefined while a passage is selected. */
function beforeCaret({ value, selectionStart, selectionEnd }: HTMLTextAreaElement): string | undefined {
  return selectionStart === selectionEnd ? value.slice(0, selectionStart) : undefined
}

function OfferedAvatar({ name }: { name: string }): ReactNode {
  return <Avatar person={{ name, hue: useHue(name) }} />
}
