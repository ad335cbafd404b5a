// @vitest-environment happy-dom
import type { Workspace, WorkspaceOptions } from '@joinery/client'
import { Activity, act, Component, createElement, type ReactNode, Suspense, useEffect, useState } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { HeldWorkspace } from './held-workspace.ts'
import { render } from './testing/render.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useSaveStatus } from './use-save-status.ts'
import { useWorkspace } from './use-workspace.ts'
import { WorkspaceProvider } from './workspace-provider.ts'

const options: WorkspaceOptions = { url: 'ws://127.0.0.1:9', workspace: 'w', offline: false }

function Recorder({ seen }: { seen: Set<Workspace> }): string {
  seen.add(useWorkspace())
  return useSaveStatus().state
}

function recorder(): { seen: Set<Workspace>; node: ReactNode } {
  const seen = new Set<Workspace>()
  return { seen, node: createElement(Recorder, { seen }) }
}

class Boundary extends Component<{ children?: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false }
  static getDerivedStateFromError = () => ({ hasFailed: true })
  override render(): ReactNode {
    return this.state.hasFailed ? null : this.props.children
  }
}

let holders = 0
/** Notes what it holds each time it renders: another mark is another component. */
function Holder({ marks }: { marks: string[] }): null {
  const [mark] = useState(() => `holder ${holders++}`)
  useEffect(() => {
    marks.push(mark)
  })
  return null
}

function LoadedPage(): string {
  useWorkspace({ waitFor: 'loaded' })
  return 'loaded'
}

/** Resolves with the save status's cause once the workspace is closed. */
function whenClosed(workspace: Workspace): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      const status = workspace.saveStatus.get()
      if (status.state === 'offline' && status.cause === 'closed') resolve()
    }
    workspace.saveStatus.subscribe(look)
    look()
  })
}

describe('WorkspaceProvider', () => {
  it('[R1] opens one workspace when StrictMode mounts it twice, and closes it when it is gone', async () => {
    const { seen, node } = recorder()
    const page = await render(createElement(WorkspaceProvider, { options }, node), { strict: true })
    expect(seen.size).toBe(1)
    const [workspace] = seen
    // Another object that says the same is the same workspace.
    await page.update(createElement(WorkspaceProvider, { options: { ...options } }, node))
    expect(seen.size).toBe(1)
    await page.unmount()
    await whenClosed(workspace as Workspace)
  })

  it('[R2] opens another workspace when the options name another, and closes the old one', async () => {
    const { seen, node } = recorder()
    const page = await render(createElement(WorkspaceProvider, { options }, node))
    await page.update(createElement(WorkspaceProvider, { options: { ...options, workspace: 'v' } }, node))
    expect(seen.size).toBe(2)
    const [first] = seen
    await whenClosed(first as Workspace)
    await page.unmount()
  })

  it('[R22] throws bad_options to the error boundary when it could never connect', async () => {
    const caught: unknown[] = []
    const page = createElement(WorkspaceProvider, { options: { ...options, url: 'ftp://x' } }, 'never')
    const { container } = await render(createElement(Boundary, null, page), {
      onCaughtError: (error) => caught.push(error),
    })
    expect(container.textContent).toBe('')
    expect(caught).toEqual([expect.objectContaining({ name: 'ClientError', code: 'bad_options' })])
  })

  it('[R3] takes over the fallback that a server rendered, and then opens', async () => {
    const { seen, node } = recorder()
    const provider = createElement(WorkspaceProvider, { options, fallback: 'opening' }, node)
    const container = document.body.appendChild(document.createElement('div'))
    container.innerHTML = renderToString(provider)
    expect(container.textContent).toBe('opening')
    const root = await act(async () => hydrateRoot(container, provider))
    expect([container.textContent, seen.size]).toEqual(['offline', 1])
    await act(async () => root.unmount())
    container.remove()
  })

  it('[R20] closes when Activity hides it, opens anew when it is shown, and its children keep what they hold', async () => {
    const { seen, node } = recorder()
    const marks: string[] = []
    const page = (mode: 'visible' | 'hidden'): ReactNode => {
      const held = createElement(Holder, { marks })
      const children = createElement(WorkspaceProvider, { options }, node, held)
      return createElement(Activity, { mode, children })
    }
    const { update } = await render(page('visible'), { strict: true })
    await update(page('hidden'))
    const [first] = seen
    await act(() => whenClosed(first as Workspace))
    await update(page('visible'))
    expect(seen.size).toBe(2)
    const [, second] = seen
    expect((second as Workspace).saveStatus.get()).toMatchObject({ cause: expect.not.stringContaining('closed') })
    expect(new Set(marks).size).toBe(1)
  })

  it('[R4] waits in Suspense when asked to, until the local copy is loaded', async () => {
    const workspace = offlineWorkspace()
    const node = createElement(Suspense, { fallback: 'waiting' }, createElement(LoadedPage))
    const { container } = await render(createElement(WorkspaceProvider, { workspace }, node))
    await act(() => workspace.whenLoaded)
    expect(container.textContent).toBe('loaded')
  })
})

describe('HeldWorkspace', () => {
  it('[R1] closes nothing when the same key is acquired again in the same task', async () => {
    const opened: string[] = []
    const closed: string[] = []
    const held = new HeldWorkspace(({ workspace }) => {
      opened.push(workspace)
      return { close: async () => void closed.push(workspace) } as unknown as Workspace
    })
    const first = held.acquire('a', { ...options, workspace: 'a' })
    held.release()
    expect(held.acquire('a', { ...options, workspace: 'a' })).toBe(first)
    held.release()
    held.acquire('b', { ...options, workspace: 'b' })
    // Nor in the next, which is when it would.
    await new Promise((resolve) => setTimeout(resolve))
    expect({ opened, closed }).toEqual({ opened: ['a', 'b'], closed: ['a'] })
  })
})
