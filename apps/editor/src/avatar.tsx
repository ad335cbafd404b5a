import type { ReactNode } from 'react'
import type { Person } from './person.ts'

/** Shows a person as two letters on their colour. The component around it must show the name to screen readers. */
export function Avatar({ person: { name, hue } }: { person: Person }): ReactNode {
  const initials = name
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
    .join('')
    .slice(0, 2)
  return (
    <span className="avatar" style={{ background: `hsl(${hue} 45% 32%)` }} aria-hidden="true">
      {initials}
    </span>
  )
}
