// @vitest-environment happy-dom
import { createElement, Fragment, type ReactNode, startTransition, useLayoutEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { expect, it } from 'vitest'
import { within } from './testing/probe.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useContent } from './use-content.ts'
import { useField } from './use-field.ts'
import { useIndexingEntry } from './use-indexing-entry.ts'

const READERS = 30
/** Longer than a slice of React's concurrent rendering, ms: it lets others run after each reader. */
const RENDER_MS = 6
const author = { source: 'user_action', actor: 'ann' } as const

it('[R10] a commit shows one state when edits come between the slices of a concurrent render', async () => {
  // The real scheduler: under act() there are no slices.
  globalThis.IS_REACT_ACT_ENVIRONMENT = false
  const workspace = offlineWorkspace()
  const block = workspace.blocks.create('a', { type: 'text' })
  let edits = 0
  const edit = (): void => {
    edits++
    workspace.transact(() => {
      block.replaceContent(String(edits))
      block.fields.set('title', String(edits), author)
      block.indexingList.startRun('main', { ...author, collectionConfigs: { edits } })
    })
  }
  edit()
  const seenInRender = new Set<string>()
  const committed: string[] = []
  let isDone = false

  function Reader(): ReactNode {
    const until = performance.now() + RENDER_MS
    const shown = [
      useContent('a').value,
      useField('a', 'title'),
      useIndexingEntry('a', 'main')?.collection_configs?.edits,
    ].join()
    while (performance.now() < until);
    if (!isDone) seenInRender.add(shown)
    return createElement('i', null, shown)
  }
  let show: ((isShown: boolean) => void) | undefined
  function Page(): ReactNode {
    const [isShown, setShown] = useState(false)
    show = setShown
    useLayoutEffect(() => {
      committed.push(...new Set([...container.querySelectorAll('i')].map((reader) => reader.textContent)))
      if (isShown) isDone = true
    })
    const readers = Array.from({ length: isShown ? READERS : 0 }, (_, index) => createElement(Reader, { key: index }))
    return createElement(Fragment, null, ...readers)
  }
  const container = document.body.appendChild(document.createElement('div'))
  const root = createRoot(container)
  root.render(within(workspace, createElement(Page)))
  await expect.poll(() => show).toBeDefined()
  startTransition(() => show?.(true))
  // One edit in each turn of the event loop until the transition is committed.
  while (!isDone) {
    edit()
    await new Promise((resolve) => setImmediate(resolve))
  }
  root.unmount()
  globalThis.IS_REACT_ACT_ENVIRONMENT = true

  expect(seenInRender.size, 'edits came between readers').toBeGreaterThan(1)
  expect(committed).toHaveLength(1)
  expect(committed[0]).toMatch(/^(\d+),\1,\1$/)
})
