// @vitest-environment happy-dom
import { defineStatusRules, indexingClaims, statusClaims } from '@joinery/blocks'
import { act } from 'react'
import { expect, it } from 'vitest'
import { probe, within } from './testing/probe.ts'
import { render } from './testing/render.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useClaim, useClaims } from './use-claims.ts'
import { useProvenance } from './use-provenance.ts'

const author = { source: 'user_action', actor: 'ann' } as const
const reviews = statusClaims({
  part: 'reviews',
  noun: 'review',
  rules: defineStatusRules<'asked' | 'given', 'user_action', { readonly name: string }>({
    phases: [['asked'], ['given']],
    ranks: ['asked', 'given'],
    sources: { user_action: 1 },
  }),
})

it('[R23] useClaims and useClaim show any list of claims, and render when that list of that block changes', async () => {
  const workspace = offlineWorkspace()
  const all = probe(() => useClaims('a', reviews).map(({ name, status }) => `${name} ${status}`))
  const one = probe(() => useClaim('a', reviews, 'first')?.status)
  const indexes = probe(() => useClaims('a', indexingClaims))
  const stamp = probe(() => useProvenance('a', reviews))
  await render(within(workspace, all.node, one.node, indexes.node, stamp.node))
  expect([all.last(), one.last(), stamp.last()]).toEqual([[], undefined, undefined])
  await act(async () => void workspace.blocks.create('a', { type: 'text' }).claims(reviews).startRun('first', author))
  expect([all.last(), one.last()]).toEqual([['first asked'], 'asked'])
  const [shown, renders] = [indexes.last(), one.values.length]
  await act(async () => void workspace.blocks.get('a')?.claims(reviews).startRun('second', author))
  expect(all.last()).toEqual(['first asked', 'second asked'])
  expect(indexes.last()).toBe(shown)
  expect(one.values).toHaveLength(renders)
})
