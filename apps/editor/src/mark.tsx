import type { ReactNode } from 'react'
import icon from './icon.svg'

/** Two boards joined. Says nothing to a screen reader: the name stands beside it. */
export function Mark({ size }: { size: number }): ReactNode {
  return <img src={icon} alt="" width={size} height={size} />
}
