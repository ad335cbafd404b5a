import { CLAIM_LISTS } from '@joinery/blocks'
import type { Commit, CommitOutcome, DocumentRecord, TaskView } from '@joinery/tasks'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { TaskDocuments, type TaskDocumentsOptions } from './task-documents.ts'

/** Commits of a task whose journal has lost every event, as after the death of a machine that had written the workspace only. */
async function forgetful(costs?: TaskDocumentsOptions['costs']) {
  const fixture = await ApiFixture.start()
  const documents = new TaskDocuments({
    ...{ workspaces: fixture.server.workspaces, lists: CLAIM_LISTS },
    ...(costs && { costs }),
  })
  const told: { record: DocumentRecord | undefined; outcome: CommitOutcome }[] = []
  const commit = async (key: string, more: Partial<Commit>): Promise<void> => {
    await documents.commit('w', {
      ...{ task: 't', saga: 'make', key, touched: [] },
      isOwn: () => false,
      check: () => undefined,
      show: () => ({ id: 't' }) as TaskView,
      beside: (record, outcome) => {
        told.push({ record, outcome })
        return { durable: Promise.resolve() }
      },
      ...more,
    })
  }
  return { fixture, told, commit, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
}

const put = (content: string) => ({ operations: [{ op: 'put', block: 'a', type: 'text', content }] })
const remove = { removeIfUntouched: ['a'] }

it('[H102] what a task has made is taken back, also if its journal does not tell that it has', async () => {
  await using scene = await forgetful()
  await scene.commit('one', put('once'))
  // Another attempt makes it again, and takes nobody's change for somebody else's.
  await scene.commit('two', put('twice'))
  await scene.commit('three', remove)
  expect(scene.told.map(({ outcome }) => outcome)).toEqual(Array(3).fill({ kept: [], touched: [] }))
  expect((await scene.fixture.call('GET', '/blocks/a')).status).toBe(404)
})

it('[H102] the record of a commit that is repeated is told, so that the journal has it', async () => {
  await using scene = await forgetful()
  await scene.commit('one', put('once'))
  await scene.commit('one', put('once'))
  expect(scene.told[0]?.record).toMatchObject({ lsn: 1, blocks: ['a'] })
  expect(scene.told[1]?.record).toEqual(scene.told[0]?.record)
})

it('[H102] what another task or somebody else has changed stays all the same', async () => {
  await using scene = await forgetful()
  await scene.commit('one', put('once'))
  await scene.commit('other', { ...put('by another'), task: 'u' })
  await scene.commit('two', remove)
  expect(scene.told.at(-1)?.outcome.kept).toMatchObject([{ block: 'a', version: 2, by: 'joinery' }])
  await scene.fixture.call('PATCH', '/blocks/a', { content: 'hers' }, { 'x-joinery-actor': 'Ada' })
  await scene.commit('three', remove)
  expect(scene.told.at(-1)?.outcome.kept).toMatchObject([{ block: 'a', by: 'Ada' }])
})

it('[H125] a step waits with its edit while the tasks of its workspace are over budget', async () => {
  const looks: unknown[] = []
  const gate = Promise.withResolvers<void>()
  let owes = true
  const restOf = (payer: unknown): number => {
    if (looks.push(payer) === 3) gate.resolve()
    return owes ? 1 : 0
  }
  await using scene = await forgetful({ restOf })
  const made = scene.commit('one', put('once'))
  await gate.promise
  expect(scene.told).toEqual([])
  expect(looks[0]).toEqual({ principal: '!tasks/w', workspace: 'w' })
  owes = false
  await made
  expect((await scene.fixture.call('GET', '/blocks/a')).body).toMatchObject({ content: 'once' })
})
