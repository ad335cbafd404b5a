import { lazy, type ReactNode } from 'react'

/** Panel of the leases: which job holds what, and who waits. */
export const LeasesPanel = lazy<(props: { onClose: () => void }) => ReactNode>(async () => ({
  default: (await import('./leases-panel.tsx')).LeasesPanel,
}))
