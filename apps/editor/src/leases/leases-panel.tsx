import { useLeases } from '@joinery/react'
import type { ReactNode } from 'react'
import { listProblem } from '../panels/list-problem.ts'
import { Panel } from '../panels/panel.tsx'
import './leases.css'

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

export function LeasesPanel({ onClose }: { onClose: () => void }): ReactNode {
  const { list, error } = useLeases()
  return (
    <Panel title="Leases" onClose={onClose}>
      {error !== undefined && <p role="status">{listProblem(error.message, list !== undefined)}</p>}
      {list === undefined && error === undefined && <p className="soft">Reading…</p>}
      {list?.length === 0 && (
        <p className="soft">
          No job holds a lease now. A job takes one before work that only one job may do at a time, and the others wait.
        </p>
      )}
      <ul className="leases">
        {list?.map(({ name, holder, actor, acquiredAt, waiting }) => (
          <li key={name}>
            <p>
              <strong>{name}</strong>
            </p>
            <p>
              {holder === actor ? holder : `${holder} (${actor})`} has held it since{' '}
              <time dateTime={new Date(acquiredAt).toISOString()}>{TIME.format(acquiredAt)}</time>.
            </p>
            {waiting > 0 && <p className="soft">{waiting === 1 ? 'One more waits' : `${waiting} more wait`} for it.</p>}
          </li>
        ))}
      </ul>
    </Panel>
  )
}
