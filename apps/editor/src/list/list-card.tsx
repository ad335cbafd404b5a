import { useField } from '@joinery/react'
import { memo, type ReactNode, useCallback, useState } from 'react'
import { BlockCard } from '../block-card.tsx'
import { titleOf } from '../block-title.ts'
import type { CardSetting } from '../canvas/card-context.ts'
import { openBlock } from '../panels/open-block.ts'
import { useIsPrinted } from '../print.ts'
import { watchCard } from './near-cards.ts'

/** Cards at the top of the list, which are in view when it opens. */
const FIRST_CARDS = 12

interface ListCardProps {
  readonly id: string
  /** Place in the list, from 0. */
  readonly at: number
  readonly setting: CardSetting
}

/**
 * A card of the list. Until it comes near what is in view, it is its name and its place alone: a thousand whole cards took the page
 * many seconds. Once drawn it stays, because a person may have left something half typed in it.
 */
export const ListCard = memo(function ListCard({ id, at, setting }: ListCardProps): ReactNode {
  const [isNear, setNear] = useState(at < FIRST_CARDS)
  const isPrinted = useIsPrinted()
  if (isNear || isPrinted) return <BlockCard id={id} view="list" {...setting} />
  return <FarCard id={id} onNear={setNear} />
})

/** The name of a block that is out of sight. The Tab key reaches it and goes on in its text, and backwards at its last control. */
function FarCard({ id, onNear }: { readonly id: string; readonly onNear: (isNear: true) => void }): ReactNode {
  const title = titleOf(useField(id, 'title'), id)
  const watch = useCallback((card: HTMLElement) => watchCard(card, () => onNear(true)), [onNear])
  return (
    <section
      ref={watch}
      className="card far"
      aria-label={title}
      data-block={id}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it has a text field as soon as it has the focus
      tabIndex={0}
      onFocus={({ currentTarget, relatedTarget }) =>
        openBlock(id, { isFromBehind: isBehind(relatedTarget, currentTarget) })
      }
    >
      {title}
    </section>
  )
}

/** Whether the focus comes from further down the page: by Shift+Tab. */
function isBehind(from: EventTarget | null, card: HTMLElement): boolean {
  return from instanceof Node && (card.compareDocumentPosition(from) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
}
