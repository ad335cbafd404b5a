import { useIndexingList } from '@joinery/react'
import type { ReactNode } from 'react'
import { latePart } from '../late-part.tsx'
import { latePanel } from '../panels/late-panel.tsx'
import { useIsOffered } from './use-demonstration-offer.ts'

export { useDemonstrationOffer, useIsOffered } from './use-demonstration-offer.ts'
export { useIndexer } from './use-indexer.ts'

/** Panel of the demonstration: the scenarios on offer, and the progress of the running one. */
export const DemonstrationPanel = latePanel(
  'Demonstration',
  async () => (await import('./demonstration-panel.tsx')).DemonstrationPanel,
)

const SearchBox = latePart(
  async () => (await import('./search-box.tsx')).SearchBox,
  (problem) => problem,
)

/** Search box of a card, for the block's indexes. It is shown only if one of them is done. */
export function BlockSearch({ name, block }: { name: string; block: string }): ReactNode {
  const isOffered = useIsOffered(name)
  const done = useIndexingList(block).filter(({ status }) => status === 'done')
  if (!isOffered || done.length === 0) return null
  return <SearchBox name={name} block={block} indexes={done.map(({ index_name }) => index_name)} />
}
