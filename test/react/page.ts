import { createElement, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, expect, vi } from 'vitest'

/** Errors that React has reported. */
const complaints: string[] = []
const mounted: (() => void)[] = []

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation((...words) => complaints.push(words.map(String).join(' ')))
})
afterEach(() => {
  for (const unmount of mounted.splice(0)) unmount()
  vi.restoreAllMocks()
  expect(complaints.splice(0)).toEqual([])
})

/** A page as a browser has it: rendered by the real scheduler, while a real server says what it says when it does. */
export interface Page {
  /** The text that the page shows now. */
  readonly text: () => string
  readonly container: HTMLElement
  update(node: ReactNode): void
  unmount(): void
}

/** Renders into the document; unmounted when the test ends. */
export function open(node: ReactNode): Page {
  const container = document.body.appendChild(document.createElement('div'))
  const caught: unknown[] = []
  const root = createRoot(container, { onCaughtError: (error) => caught.push(error) })
  root.render(node)
  const unmount = (): void => {
    root.unmount()
    container.remove()
  }
  mounted.push(unmount)
  return { container, text: () => container.textContent, update: (next) => root.render(next), unmount }
}

/** A component that shows what `useText` gives. Every render's text is in `renders`. */
export function show(useText: () => string): { node: ReactNode; renders: string[] } {
  const renders: string[] = []
  return { node: createElement(Text, { useText, renders }), renders }
}

function Text({ useText, renders }: { useText: () => string; renders: string[] }): string {
  const text = useText()
  renders.push(text)
  return text
}
