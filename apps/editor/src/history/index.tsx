import { lazy, type ReactNode } from 'react'

/** Panel of the history: past states, who wrote them, and a way to restore them. */
export const HistoryPanel = lazy<(props: { onClose: () => void }) => ReactNode>(async () => ({
  default: (await import('./history-panel.tsx')).HistoryPanel,
}))
