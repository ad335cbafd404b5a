import type { ReactNode } from 'react'
import { textPieces } from './text-pieces.ts'
import './text-difference.css'

/** Shows what was taken out of a text, what was added, and a little of the text around. */
export function TextDifference({ before, after }: { before: string; after: string }): ReactNode {
  let at = 0
  return (
    <p className="text-difference">
      {textPieces(before, after).map(({ kind, text }) => {
        const key = at++
        if (kind === 'removed') return <del key={key}>{text}</del>
        return kind === 'added' ? <ins key={key}>{text}</ins> : <span key={key}>{text}</span>
      })}
    </p>
  )
}
