import { useClaims, useIndexingList, useWorkspace } from '@joinery/react'
import { type ReactNode, useCallback, useSyncExternalStore } from 'react'
import { Avatar } from '../avatar.tsx'
import { isUploaded } from '../files/shown-file.ts'
import { STATUSES } from '../page-machines.ts'
import { useHue } from '../use-hue.ts'
import { indexWork, type RunningWork, resourceWork } from './running-work.ts'
import './running.css'

/** Pieces of work that one card shows; the chips below have all. */
const SHOWN_MAX = 3
const NO_STEPS = {}

/** Draws the work that goes on in a block on its card: who does it, which step, how far it is, and why it waits. */
export function RunningMarks({ id }: { id: string }): ReactNode {
  const indexes = useIndexingList(id)
  // Files have a list of their own.
  const statuses = useClaims(id, STATUSES).filter((entry) => !isUploaded(entry))
  const isBuilding = indexes.some(({ status }) => status === 'processing')
  const steps = useSteps(isBuilding)
  const work = [
    ...indexes.map((entry) => indexWork(id, entry, steps)),
    ...statuses.map((entry) => resourceWork(entry, STATUSES.rules.machines.get(entry.machine))),
  ].filter((it) => it !== undefined)
  if (work.length === 0) return null
  return (
    <ul className="running" aria-label="Running">
      {work.slice(0, SHOWN_MAX).map((it) => (
        <RunningMark key={it.key} work={it} />
      ))}
      {work.length > SHOWN_MAX && <li className="soft">and {work.length - SHOWN_MAX} more</li>}
    </ul>
  )
}

function RunningMark({ work: { actor, isPerson, what, share, amount, why } }: { work: RunningWork }): ReactNode {
  const hue = useHue(actor)
  const words = [what, amount].filter((it) => it !== '').join(', ')
  return (
    <li className={why === undefined ? '' : 'waits'} title={`${actor}: ${words}${why === undefined ? '' : `: ${why}`}`}>
      <Avatar person={{ name: actor, hue }} isJob={!isPerson} />
      <span className="hidden">{isPerson ? actor : `Job ${actor}`}: </span>
      <span className="words">
        {words}
        {why !== undefined && <em> {why}</em>}
      </span>
      <span className={share === undefined ? 'track open' : 'track'} aria-hidden="true">
        <span style={share === undefined ? undefined : { inlineSize: `${share * 100}%` }} />
      </span>
    </li>
  )
}

/** Progress of the running jobs; nothing is followed while no index of the block is being built. */
function useSteps(isWanted: boolean) {
  const { progress } = useWorkspace().presence
  const subscribe = useCallback(
    (listener: () => void) => (isWanted ? progress.subscribe(listener) : () => undefined),
    [progress, isWanted],
  )
  return useSyncExternalStore(subscribe, () => (isWanted ? progress.get() : NO_STEPS))
}
