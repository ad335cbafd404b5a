import { act, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean | undefined
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export interface Rendered {
  readonly container: HTMLElement
  update(node: ReactNode): Promise<void>
  unmount(): Promise<void>
}

/** Renders into the document, in StrictMode if asked; resolves when effects have run. */
export async function render(node: ReactNode, { strict = false } = {}): Promise<Rendered> {
  const container = document.body.appendChild(document.createElement('div'))
  const root = createRoot(container)
  const wrap = (inner: ReactNode): ReactNode => (strict ? createElement(StrictMode, null, inner) : inner)
  await act(async () => root.render(wrap(node)))
  return {
    container,
    update: (next) => act(async () => root.render(wrap(next))),
    unmount: async () => {
      await act(async () => root.unmount())
      container.remove()
    },
  }
}
