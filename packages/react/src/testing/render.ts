import { act, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, expect, vi } from 'vitest'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean | undefined
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export interface Rendered {
  readonly container: HTMLElement
  update(node: ReactNode): Promise<void>
  unmount(): Promise<void>
}

/** React's warnings: an update that no test waited for, an unstable snapshot, a state that was set in a render. */
const complaints: string[] = []
const mounted = new Set<Rendered>()

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation((...words) => complaints.push(words.map(String).join(' ')))
})
afterEach(async () => {
  for (const page of mounted) await page.unmount()
  vi.restoreAllMocks()
  expect(complaints.splice(0)).toEqual([])
})

export interface RenderOptions {
  readonly strict?: boolean
  /** Takes errors that error boundaries catch. Without it such an error counts as a warning. */
  readonly onCaughtError?: (error: unknown) => void
}

/** Renders into the document, in StrictMode if `strict`. Resolves when effects have run. Unmounted when the test ends. */
export async function render(node: ReactNode, { strict = false, ...options }: RenderOptions = {}): Promise<Rendered> {
  const container = document.body.appendChild(document.createElement('div'))
  const root = createRoot(container, options)
  const wrap = (inner: ReactNode): ReactNode => (strict ? createElement(StrictMode, null, inner) : inner)
  await act(async () => root.render(wrap(node)))
  const page: Rendered = {
    container,
    update: (next) => act(async () => root.render(wrap(next))),
    unmount: async () => {
      mounted.delete(page)
      await act(async () => root.unmount())
      container.remove()
    },
  }
  mounted.add(page)
  return page
}
