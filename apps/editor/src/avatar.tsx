import type { ReactNode } from 'react'
import type { Person } from './person.ts'

interface AvatarProps {
  readonly person: Person
  /** A job's avatar is square, a person's is round: they are told at a glance, also without colours. */
  readonly isJob?: boolean
}

/** Shows a person or a job as two letters on their colour. The component around it must show the name to screen readers. */
export function Avatar({ person: { name, hue }, isJob = false }: AvatarProps): ReactNode {
  const initials = name
    .split(/[\s_/-]+/)
    .map((word) => [...word][0] ?? '')
    .join('')
    .slice(0, 2)
  return (
    <span className={isJob ? 'avatar job' : 'avatar'} style={{ '--hue': hue }} aria-hidden="true">
      {initials}
    </span>
  )
}
