import { connectWorkspace, type Workspace } from '@joinery/client'
import { WorkspaceProvider } from '@joinery/react'
import { act, createElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { onTestFinished } from 'vitest'
import * as Y from 'yjs'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean | undefined
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

/** A workspace that never opens a socket: nothing changes by itself. It is closed when the test has ended. */
export function offlineWorkspace(): Workspace {
  const token = () => new Promise<never>(() => undefined)
  const workspace = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false, token })
  onTestFinished(() => workspace.close())
  return workspace
}

/** Brings everything that either of two workspaces has into the other. */
export function exchange(a: Workspace, b: Workspace): void {
  const [ofA, ofB] = [Y.encodeStateAsUpdate(a.doc), Y.encodeStateAsUpdate(b.doc)]
  Y.applyUpdate(b.doc, ofA, 'remote')
  Y.applyUpdate(a.doc, ofB, 'remote')
}

export interface Hooked<T> {
  last(): T
  /** Number of renders so far. */
  renders(): number
}

function Probe({ useValue, values }: { useValue: () => unknown; values: unknown[] }): null {
  values.push(useValue())
  return null
}

/** Renders a component with this hook, under StrictMode, until the test ends. */
export async function renderHook<T>(workspace: Workspace, useValue: () => T): Promise<Hooked<T>> {
  const values: T[] = []
  const root = createRoot(document.body.appendChild(document.createElement('div')))
  const page = createElement(
    StrictMode,
    null,
    createElement(WorkspaceProvider, { workspace }, createElement(Probe, { useValue, values })),
  )
  await act(async () => root.render(page))
  onTestFinished(() => act(async () => root.unmount()))
  return { last: () => values.at(-1) as T, renders: () => values.length }
}
