import { lazy, type ReactNode } from 'react'
import { type SetAside, useSetAside } from './use-set-aside.ts'

export { useSetAside }

/** Panel of the edits that were set aside: what they say, and ways to put them back, save them or delete them. */
export const SetAsidePanel = lazy<(props: { setAside: SetAside; onClose: () => void }) => ReactNode>(async () => ({
  default: (await import('./set-aside-panel.tsx')).SetAsidePanel,
}))
