import { lazy, type ReactNode } from 'react'

/** Panel of the tasks: which runs, its step, the cause for which it waits, and the blocks that were kept. */
export const TasksPanel = lazy<(props: { onClose: () => void }) => ReactNode>(async () => ({
  default: (await import('./tasks-panel.tsx')).TasksPanel,
}))
