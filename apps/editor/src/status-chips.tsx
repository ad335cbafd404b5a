import { useClaims, useRawStatuses } from '@joinery/react'
import type { ReactNode } from 'react'
import { isUploaded } from './files/shown-file.ts'
import { STATUSES } from './page-machines.ts'
import { rawWords, resourceTone, resourceWords } from './resource-words.ts'

/** Shows the statuses of a block's payments and tasks; `BlockFiles` shows the files that were uploaded. Nothing where it has none. */
export function StatusChips({ id }: { id: string }): ReactNode {
  const statuses = useClaims(id, STATUSES).filter((entry) => !isUploaded(entry))
  const raw = useRawStatuses(id)
  if (statuses.length + raw.length === 0) return null
  return (
    <div className="indexes">
      <ul aria-label="Resources">
        {statuses.map((entry) => {
          const { machine, name, run } = entry
          return (
            <li
              key={`${machine}/${name}`}
              className={`chip ${resourceTone(entry, STATUSES.rules.machines.get(machine))}`}
            >
              <span data-machine={machine} data-resource={name} data-run={run.no}>
                {resourceWords(entry)}
              </span>
            </li>
          )
        })}
        {raw.map((claim) => {
          const words = rawWords(claim)
          return (
            <li
              key={JSON.stringify(claim)}
              className="chip notStarted"
              title="This page does not know the table of this machine."
            >
              <span>{words}</span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
