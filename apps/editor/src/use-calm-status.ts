import type { SaveStatus } from '@joinery/client'
import { useObservable, useWorkspace } from '@joinery/react'
import { useMemo } from 'react'
import { calmStatus } from './calm-status.ts'

/** The save status without flicker: typing does not render again with each letter that is saved. */
export function useCalmStatus(): SaveStatus {
  const workspace = useWorkspace()
  return useObservable(useMemo(() => calmStatus(workspace.saveStatus), [workspace]))
}
