// @vitest-environment happy-dom
import { FILE, hideMachines, SYNC } from '@joinery/blocks'
import { act } from 'react'
import { expect, it } from 'vitest'
import type * as Y from 'yjs'
import { probe, within } from './testing/probe.ts'
import { render } from './testing/render.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useRawStatuses, useStatus, useStatuses } from './use-status.ts'

const ANN = { source: 'user_action', actor: 'ann' } as const
const SERVER = { source: 'resources', actor: 'joinery' } as const

it('[R24] useStatus and useStatuses show the statuses of a machine, and render when those change', async () => {
  const workspace = offlineWorkspace()
  const all = probe(() => useStatuses('a', 'file@1').map(({ name, status }) => `${name} ${status}`))
  const one = probe(() => useStatus('a', FILE, 'first')?.status)
  const other = probe(() => useStatuses('a', SYNC))
  await render(within(workspace, all.node, one.node, other.node))
  expect([all.last(), one.last(), other.last()]).toEqual([[], undefined, []])
  const block = await act(async () => workspace.blocks.create('a', { type: 'text' }))
  const run = await act(async () => block.statuses(FILE).startRun('first', ANN))
  expect([all.last(), one.last()]).toEqual([['first pending'], 'pending'])
  const [shown, renders] = [other.last(), one.values.length]
  await act(async () => void block.statuses(FILE).startRun('second', ANN))
  expect(all.last()).toEqual(['first pending', 'second pending'])
  expect(one.values).toHaveLength(renders)
  expect(other.last()).toBe(shown)
  await act(async () => void block.statuses(FILE).report('first', run, 'synced', SERVER))
  expect(one.last()).toBe('synced')
  hideMachines(workspace.doc, ['file@1'])
  await act(async () => void block.statuses(SYNC).startRun('x', ANN))
  expect([all.last(), one.last()]).toEqual([[], undefined])
})

it('[R26] useRawStatuses shows statuses of unknown machines as they stand, and those of a machine that is hidden', async () => {
  const workspace = offlineWorkspace()
  const raw = probe(() => useRawStatuses('a'))
  await render(within(workspace, raw.node))
  expect(raw.last()).toEqual([])
  const block = await act(async () => workspace.blocks.create('a', { type: 'text' }))
  await act(async () => void block.statuses(SYNC).startRun('x', ANN))
  expect(raw.last()).toEqual([])
  const claim = { machine: 'scan@1', name: 'y', run: { no: 1, id: 'r', source: 'scanner' }, status: 'clean' }
  await act(async () => (block.map.get('statuses') as Y.Array<unknown>).push([claim, 7]))
  expect(raw.last()).toEqual([claim])
  const same = raw.last()
  await act(async () => void block.statuses(SYNC).startRun('z', ANN))
  expect(raw.last()).toBe(same)
  hideMachines(workspace.doc, ['sync@1'])
  await act(async () => void block.statuses(FILE).startRun('f', ANN))
  expect(raw.last().map(({ name }) => name)).toEqual(['x', 'y', 'z'])
})
