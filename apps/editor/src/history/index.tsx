import { lazy, type ReactNode } from 'react'

/** What the workspace was, by whom, and the way back. */
export const HistoryPanel = lazy<(props: { onClose: () => void }) => ReactNode>(async () => ({
  default: (await import('./history-panel.tsx')).HistoryPanel,
}))
