import { useObservable } from '@joinery/react'
import type { CSSProperties, ReactNode } from 'react'
import { endOffer, presentOffer } from './undo-offer.ts'
import './undo-notice.css'

/** Notice of a deletion or of an undo by key, with a button that reverses it, at the place where the person looks. */
export function UndoNotice(): ReactNode {
  const offer = useObservable(presentOffer)
  return (
    <div className="undo-notice" aria-live="polite">
      {offer !== undefined && (
        <p style={placeOf(offer.at)} className={offer.at === undefined ? 'below' : ''}>
          <span>{offer.words}</span>
          {offer.button !== undefined && (
            <button type="button" className="quiet" onClick={offer.button.act}>
              {offer.button.words}
            </button>
          )}
          <button type="button" className="quiet" aria-label="Close this notice" onClick={endOffer}>
            ×
          </button>
        </p>
      )}
    </div>
  )
}

/** Half of the greatest width and the height of a notice with a margin, pixels: it stays within the window. */
const HALF = 170
const HEIGHT = 60

function placeOf(at: { left: number; top: number; width: number; height: number } | undefined): CSSProperties {
  if (at === undefined) return {}
  const within = (value: number, from: number, to: number): number => Math.max(from, Math.min(to, value))
  return {
    left: within(at.left + at.width / 2, HALF, Math.max(HALF, innerWidth - HALF)),
    top: within(at.top + Math.min(at.height / 2, 120), HEIGHT, innerHeight - HEIGHT),
  }
}
