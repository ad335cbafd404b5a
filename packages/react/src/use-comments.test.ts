// @vitest-environment happy-dom
import { addComment, resolveThread } from '@joinery/blocks'
import { act } from 'react'
import { expect, it } from 'vitest'
import { probe, within } from './testing/probe.ts'
import { render } from './testing/render.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useComments } from './use-comments.ts'

const ANN = { source: 'user_action', actor: 'ann' } as const

it('[R27] useComments shows the threads on a block, and renders for comments alone', async () => {
  const workspace = offlineWorkspace()
  const threads = probe(() => useComments('a'))
  await render(within(workspace, threads.node))
  expect(threads.last()).toEqual([])
  const block = await act(async () => workspace.blocks.create('a', { type: 'text' }))
  const thread = await act(async () => addComment(block, { text: 'Why?' }, ANN))
  expect(threads.last()).toMatchObject([{ id: thread, comments: [{ text: 'Why?', actor: 'ann' }] }])
  const renders = threads.values.length
  await act(async () => block.fields.set('title', 'Plan', ANN))
  await act(async () => block.content.insert(0, 'typed'))
  expect(threads.values).toHaveLength(renders)
  await act(async () => void resolveThread(block, thread, ANN))
  expect(threads.last()[0]?.resolved?.actor).toBe('ann')
})
