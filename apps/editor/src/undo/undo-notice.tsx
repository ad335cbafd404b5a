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

/** The middle of the notice. The style sheet keeps it within the part of the window that no panel covers. */
function placeOf(at: { left: number; top: number; width: number; height: number } | undefined): CSSProperties {
  if (at === undefined) return {}
  const place = { '--x': `${at.left + at.width / 2}px`, '--y': `${at.top + Math.min(at.height / 2, 120)}px` }
  return place as CSSProperties
}
