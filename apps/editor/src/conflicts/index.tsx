import { lazy, type ReactNode } from 'react'
import { type AllConflicts, useAllConflicts } from './all-conflicts.ts'
import type { ShownConflict } from './conflict-words.ts'

export { useAllConflicts }

/** The tray: what lost to what, and why. */
export const ConflictsPanel = lazy<(props: { conflicts: AllConflicts; onClose: () => void }) => ReactNode>(
  async () => ({
    default: (await import('./conflicts-panel.tsx')).ConflictsPanel,
  }),
)

/** Says the newest conflict to who can't see the badge, when they have a moment. Always on the page. */
export function ConflictsAnnouncer({ newest }: { newest: ShownConflict | undefined }): ReactNode {
  return (
    <p className="hidden" aria-live="polite">
      {newest === undefined ? '' : `Conflict settled: ${newest.headline}`}
    </p>
  )
}
