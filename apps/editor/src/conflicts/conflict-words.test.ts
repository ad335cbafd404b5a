import { claimListsWith, FIELD_ORDER_RULES, ORDER_RULES } from '@joinery/blocks'
import type { Conflict } from '@joinery/client'
import { expect, it } from 'vitest'
import { conflictWords } from './conflict-words.ts'
import { isAgreed } from './told-status.ts'

const STATUSES = claimListsWith([])[2].rules

const claim = (source: string, actor: string, status: string, no = 1, error?: string) => {
  const run = { no, id: `r${no}`, source: 'workflow_execution' }
  return { index_name: 'main', run, status, source, actor, at: 1, ...(error && { error }) }
}
const told = (field: string, winner: unknown, loser: unknown, rule: string): Conflict => {
  return { type: 'conflict', block: 'b', field, winner, loser, rule }
}

it('[P5] the words for a late poller name the standing status, the loser and the rule that a workflow counts more', () => {
  const done = claim('workflow_execution', 'indexer', 'done')
  const late = claim('polling_sync', 'poller', 'error', 1, 'time-out')
  expect(conflictWords(told('indexingList/main', done, late, ORDER_RULES[5]), 'Plan')).toEqual({
    headline: '“Plan”: index main stays “done”, as indexer (a workflow) said.',
    lost: 'the poller said “failed: time-out”.',
    why: 'Of two results of one attempt, the one from a workflow counts more than the one from a poller.',
  })
})

it('[P5] every rule of the law has words of its own, without its jargon', () => {
  const winner = claim('user_action', 'ada', 'done', 2)
  const whys = Object.values(ORDER_RULES).map((rule) => {
    const { why, lost } = conflictWords(
      told('indexingList/main', winner, claim('polling_sync', 'p', 'done'), rule),
      'b',
    )
    expect(lost).toContain('about attempt 1')
    return why
  })
  expect(new Set(whys).size).toBe(whys.length)
  expect(whys.join(' ')).not.toMatch(/claim|canonical|polling_sync|user_action|\bid\b/)
})

it('[P5] there are words for fields, for texts and for conflicts of a newer server', () => {
  const field = (actor: string, source: string, value: string) => ({
    key: 'title',
    value,
    seq: 1,
    source,
    actor,
    at: 1,
  })
  const words = conflictWords(
    told(
      'fields/title',
      field('ada', 'user_action', 'A'),
      field('job', 'workflow_execution', 'B'),
      FIELD_ORDER_RULES[2],
    ),
    'Plan',
  )
  expect(words.headline).toBe('“Plan”: title is “A”, as ada set it.')
  expect(words.why).toContain('A value set by a person counts more than one set by a workflow.')
  expect(conflictWords(told('content', 'typed', 'x'.repeat(200), 'both'), 'Plan').lost).toMatch(/Typed: “typed”.*x…”/)
  expect(conflictWords(told('moods/m', 1, undefined, 'some rule'), 'Plan')).toEqual({
    headline: '“Plan”: moods/m is “1”.',
    lost: '“nothing” lost.',
    why: 'some rule',
  })
})

it('[P5] a block moved by two at once is told without the place’s letters', () => {
  const place = (actor: string, value: string) => {
    return { key: 'place', value, seq: 1, source: 'user_action', actor, at: 1 }
  }
  const words = conflictWords(
    told('fields/place', place('bob', 'W5k'), place('ada', 'X2m'), FIELD_ORDER_RULES[3]),
    'Plan',
  )
  expect(words.headline).toBe('“Plan” stands where bob moved it.')
  expect(Object.values(words).join(' ')).not.toMatch(/W5k|X2m/)
})

it.each(['content', 'fields/title', 'indexingList/main', 'moods/m'])(
  '[P10] each sentence about %s that a client reports is that client’s word',
  (field) => {
    const value = { key: 'title', value: 'A', seq: 1, source: 'user_action', actor: 'ada', at: 1 }
    const conflict = { ...told(field, value, claim('user_action', 'ada', 'done'), 'ada agreed'), reportedBy: 'eve' }
    const { headline, lost, why } = conflictWords(conflict, 'Plan')
    expect(headline).toMatch(/^“Plan”: eve (says|reports)/)
    expect(lost).toMatch(/^eve says that /)
    expect(why).toContain('The server has not seen this conflict.')
    expect(why.replace('eve gives as the reason: “ada agreed”.', '')).not.toContain('ada agreed')
  },
)

const uploaded = (actor: string, source: string, status: string, error?: string) => {
  const run = { no: 1, id: 'tsk_a', source: 'resources' }
  return { machine: 'file@1', name: 'plan.pdf', run, status, source, actor, at: 1, ...(error && { error }) }
}

it('[P5] there are words for statuses of every machine, without its version and the JSON', () => {
  const words = conflictWords(
    told(
      'statuses/file@1/plan.pdf',
      uploaded('joinery', 'resources', 'synced'),
      uploaded('ada', 'user_action', 'syncing'),
      ORDER_RULES[4],
    ),
    'Plan',
    STATUSES,
  )
  expect(words).toEqual({
    headline: '“Plan”: plan.pdf (file) stays “synced”, as joinery (a task) said.',
    lost: 'ada said “syncing”.',
    why: 'The attempt had already got further: “synced” comes after “syncing”.',
  })
})

it('[P14] two that report the same on one run have not contradicted each other, and any other two have', () => {
  const of = (winner: unknown, loser: unknown) => isAgreed({ winner, loser }, STATUSES)
  const server = uploaded('joinery', 'resources', 'syncing')
  expect(of(server, uploaded('ada', 'user_action', 'syncing'))).toBe(true)
  expect(of(claim('polling_sync', 'a', 'done'), claim('polling_sync', 'b', 'done'))).toBe(true)
  expect(of(server, uploaded('ada', 'user_action', 'error', 'no disk'))).toBe(false)
  expect(of(server, { ...server, name: 'other.pdf' })).toBe(false)
  expect(of(claim('polling_sync', 'a', 'error', 1, 'x'), claim('polling_sync', 'b', 'error', 1, 'y'))).toBe(false)
  expect(of(claim('polling_sync', 'a', 'done', 2), claim('polling_sync', 'b', 'done', 1))).toBe(false)
  expect([of('typed', 'typed'), of(undefined, undefined)]).toEqual([false, false])
})
