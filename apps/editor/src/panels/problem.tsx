import type { ReactNode } from 'react'
import { asSentence } from '../as-sentence.ts'

/** Why something in a panel did not work, said at once to a screen reader. */
export function Problem({ reason }: { reason: string }): ReactNode {
  return (
    <p role="alert" className="problem">
      {asSentence(reason)}
    </p>
  )
}
