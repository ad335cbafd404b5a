import type { ReactNode } from 'react'
import icon from './icon.svg'

/** Joinery's mark: two boards joined. Screen readers skip it, because the name stands beside it. */
export function Mark({ size }: { size: number }): ReactNode {
  return <img src={icon} alt="" width={size} height={size} />
}
