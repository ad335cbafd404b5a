import type { Workspace } from '@joinery/client'
import { act, createElement, type ReactNode } from 'react'
import * as Y from 'yjs'
import { WorkspaceProvider } from '../workspace-provider.ts'

function Probe({ useValue, values }: { useValue: () => unknown; values: unknown[] }): null {
  values.push(useValue())
  return null
}

/** A component that hands every value its hook gave to `values`: one for each time it rendered. */
export function probe<T>(useValue: () => T): { node: ReactNode; values: T[]; last(): T } {
  const values: T[] = []
  return { node: createElement(Probe, { useValue, values }), values, last: () => values.at(-1) as T }
}

export function within(workspace: Workspace, ...nodes: ReactNode[]): ReactNode {
  return createElement(WorkspaceProvider, { workspace }, ...nodes)
}

/** Brings what `edit` does on another replica into `workspace`, as one update. */
export async function remotely(workspace: Workspace, edit: (doc: Y.Doc) => void): Promise<void> {
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(workspace.doc))
  edit(other)
  await act(async () => Y.applyUpdate(workspace.doc, Y.encodeStateAsUpdate(other), 'remote'))
}
