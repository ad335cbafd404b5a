import type { ComponentType, ReactNode } from 'react'
import { latePart } from '../late-part.tsx'
import { Panel } from './panel.tsx'

/** A panel whose code is loaded when it is first opened. The panel says it if the code can't be loaded. */
export function latePanel<Props extends { readonly onClose: () => void }>(
  title: string,
  load: () => Promise<ComponentType<Props>>,
): (props: Props) => ReactNode {
  return latePart(load, (problem, { onClose }) =>
    problem === undefined ? null : (
      <Panel title={title} onClose={onClose}>
        {problem}
      </Panel>
    ),
  )
}
