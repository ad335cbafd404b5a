import { type FormEvent, type KeyboardEvent, type ReactNode, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { Avatar } from './avatar.tsx'
import { NAME_LENGTH_MAX, type Person } from './person.ts'

interface OwnAvatarProps {
  readonly self: Person
  readonly onRename: ((name: string) => void) | undefined
}

/** Avatar of the person at this device. A click opens a form to change the name, unless the server gives the name. */
export function OwnAvatar({ self, onRename }: OwnAvatarProps): ReactNode {
  const [isNaming, setIsNaming] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const close = (): void => {
    flushSync(() => setIsNaming(false))
    button.current?.focus()
  }
  const formOnSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget).get('name')).trim()
    if (name !== '' && name !== self.name) onRename?.(name)
    close()
  }
  const formOnKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') close()
  }
  if (onRename === undefined) {
    return (
      <li title={`${self.name} (you)`}>
        <Avatar person={self} />
        <span className="hidden">{self.name} (you)</span>
      </li>
    )
  }
  if (!isNaming) {
    return (
      <li title={`${self.name} (you)`}>
        <button ref={button} type="button" className="own-avatar" onClick={() => setIsNaming(true)}>
          <Avatar person={self} />
          <span className="hidden">{self.name} (you): change your name</span>
        </button>
      </li>
    )
  }
  return (
    <li>
      <form className="naming" onSubmit={formOnSubmit} onKeyDown={formOnKeyDown}>
        <input
          name="name"
          aria-label="Your name"
          defaultValue={self.name}
          maxLength={NAME_LENGTH_MAX}
          autoComplete="nickname"
          // biome-ignore lint/a11y/noAutofocus: the field replaces the button that was just pressed
          autoFocus
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="submit">Save</button>
      </form>
    </li>
  )
}
