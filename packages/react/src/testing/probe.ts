import type { Workspace } from '@joinery/client'
import { act, createElement, type ReactNode } from 'react'
import * as Y from 'yjs'
import { WorkspaceProvider } from '../workspace-provider.ts'

function Probe({ useValue, values }: { useValue: () => unknown; values: unknown[] }): null {
  values.push(useValue())
  return null
}

/** A component that adds the value of its hook to `values` each time it renders. */
export function probe<T>(useValue: () => T): { node: ReactNode; values: T[]; last(): T } {
  const values: T[] = []
  return { node: createElement(Probe, { useValue, values }), values, last: () => values.at(-1) as T }
}

export function within(workspace: Workspace, ...nodes: ReactNode[]): ReactNode {
  return createElement(WorkspaceProvider, { workspace }, ...nodes)
}

/** Makes `edit` on another replica and brings it into `workspace` as one update. */
export async function remotely(workspace: Workspace, edit: (doc: Y.Doc) => void): Promise<void> {
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(workspace.doc))
  edit(other)
  await act(async () => Y.applyUpdate(workspace.doc, Y.encodeStateAsUpdate(other), 'remote'))
}
