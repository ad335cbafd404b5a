import { useContent } from '@joinery/react'
import { type CSSProperties, type ReactNode, useEffect, useRef } from 'react'
import { type RemoteCaret, selectionIn } from './caret.ts'
import { drawnStart, type MarkedPiece, markText } from './marked-text.ts'
import { useRemoteCarets } from './remote-carets.ts'
import './carets.css'

/** Draws others' carets over the text field before it. Renders nothing if nobody else is in the field. */
export function Carets({ id }: { id: string }): ReactNode {
  const carets = useRemoteCarets(id)
  return carets.length === 0 ? null : <CaretLayer id={id} carets={carets} />
}

/**
 * Layer with the carets. Nothing can be placed at a character of a text field, so this layer lays out the same text once
 * more over the field, invisible and with the same measures, with the carets in it. Of a long text it lays out the start alone, and
 * names who is further down: the large editor draws them all.
 */
function CaretLayer({ id, carets }: { id: string; carets: readonly RemoteCaret[] }): ReactNode {
  const { value, yText } = useContent(id)
  const layer = useRef<HTMLDivElement>(null)
  useEffect(() => followField(layer.current), [])
  const marks = carets.flatMap((of) => {
    const selection = yText && selectionIn(yText, of.caret)
    return selection === undefined ? [] : [{ selection, of }]
  })
  const { start, drawn, below } = drawnStart(value, marks)
  const pieces = markText(start, drawn)
  return (
    <div className="caret-layer" ref={layer} aria-hidden="true">
      <div className="caret-text">
        {pieces.map((piece, at) => (
          <Piece key={piece.start} piece={piece} before={pieces[at - 1]?.text ?? ''} />
        ))}
        {/* A line break at the very end opens a line only if something follows. */}
        {'\u200B'}
      </div>
      {below.length > 0 && (
        <p className="carets-below">
          {below.map(({ of: { clientId, person } }) => (
            <span key={clientId} data-caret={person.name} style={hueOf(person.hue)}>
              {person.name}
            </span>
          ))}
          further down
        </p>
      )}
    </div>
  )
}

function Piece({ piece, before }: { piece: MarkedPiece<RemoteCaret>; before: string }): ReactNode {
  const selector = piece.selectedBy.at(-1)
  return (
    <>
      {piece.carets.map(({ clientId, person, caret }) => (
        <span key={clientId} className="caret" data-caret={person.name} style={hueOf(person.hue)}>
          {/* The key changes, and so the name shows again, when this person moves or types, not when others edit elsewhere. */}
          <span key={JSON.stringify(caret) + before.slice(-8)} className="caret-name">
            {person.name}
          </span>
        </span>
      ))}
      {selector === undefined ? piece.text : <mark style={hueOf(selector.person.hue)}>{piece.text}</mark>}
    </>
  )
}

const hueOf = (hue: number): CSSProperties => ({ '--hue': hue }) as CSSProperties

/** Keeps the layer's text as wide as the field's text (without its scroll bar), and at the same scroll position. */
function followField(layer: HTMLElement | null): (() => void) | undefined {
  const field = layer?.parentElement?.querySelector('textarea')
  if (layer == null || field == null) return undefined
  const follow = (): void => {
    layer.style.setProperty('--width', `${field.clientWidth}px`)
    layer.style.setProperty('--scrolled', `${-field.scrollTop}px`)
  }
  const sizes = new ResizeObserver(follow)
  sizes.observe(field)
  field.addEventListener('scroll', follow, { passive: true })
  follow()
  return () => {
    sizes.disconnect()
    field.removeEventListener('scroll', follow)
  }
}
