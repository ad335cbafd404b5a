import { useBlocks } from '@joinery/react'
import type { ReactNode } from 'react'
import { BlockCard } from './block-card.tsx'
import type { CardSetting } from './canvas/block-node.tsx'

/** The board as a list of cards, in the order of the blocks. */
export function BoardList(setting: CardSetting): ReactNode {
  return useBlocks().map((id) => <BlockCard key={id} id={id} view="list" {...setting} />)
}
