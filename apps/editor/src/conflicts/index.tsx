import type { ReactNode } from 'react'
import { latePanel } from '../panels/late-panel.tsx'
import { useAllConflicts } from './all-conflicts.ts'
import type { ShownConflict } from './conflict-words.ts'

export { useAllConflicts }

/** Panel of the conflicts: which value stands, which one lost, and why. */
export const ConflictsPanel = latePanel('Conflicts', async () => (await import('./conflicts-panel.tsx')).ConflictsPanel)

/** Announces the newest conflict politely to screen readers, for people who can't see the badge. Always on the page. */
export function ConflictsAnnouncer({ newest }: { newest: ShownConflict | undefined }): ReactNode {
  return (
    <p className="hidden" aria-live="polite">
      {newest === undefined ? '' : `Conflict settled: ${newest.headline}`}
    </p>
  )
}
