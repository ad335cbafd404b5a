import { useIndexingList } from '@joinery/react'
import { lazy, type ReactNode, Suspense } from 'react'
import type { DemonstrationPanelProps } from './demonstration-panel.tsx'
import { useIsOffered } from './use-demonstration-offer.ts'

export { useDemonstrationOffer, useIsOffered } from './use-demonstration-offer.ts'
export { useIndexer } from './use-indexer.ts'

/** What can be provoked here, and how it goes. */
export const DemonstrationPanel = lazy<(props: DemonstrationPanelProps) => ReactNode>(async () => ({
  default: (await import('./demonstration-panel.tsx')).DemonstrationPanel,
}))

const SearchBox = lazy<(props: { name: string; block: string; indexes: readonly string[] }) => ReactNode>(async () => ({
  default: (await import('./search-box.tsx')).SearchBox,
}))

/** Searches what a block's indexes have built, for its card. Shows itself where one is done. */
export function BlockSearch({ name, block }: { name: string; block: string }): ReactNode {
  const isOffered = useIsOffered(name)
  const done = useIndexingList(block).filter(({ status }) => status === 'done')
  if (!isOffered || done.length === 0) return null
  return (
    <Suspense fallback={null}>
      <SearchBox name={name} block={block} indexes={done.map(({ index_name }) => index_name)} />
    </Suspense>
  )
}
