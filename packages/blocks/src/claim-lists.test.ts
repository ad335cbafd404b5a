import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  CLAIM_LISTS,
  COUNT,
  createBlock,
  defineDocumentRules,
  defineStatusRules,
  documentRules,
  forkDoc,
  getBlock,
  indexingRules,
  observeBlocks,
  pruneBeaten,
  RunSupersededError,
  type Source,
  statusClaims,
} from './index.ts'
import { docWithBlock, POLLER, syncAll, USER, WORKFLOW } from './testing/test-docs.ts'

const TASKS = statusClaims({
  part: 'tasks',
  noun: 'task',
  rules: defineStatusRules<'queued' | 'over', Source, { readonly name: string; readonly steps?: number }>({
    phases: [['queued'], ['over']],
    ranks: ['queued', 'over'],
    sources: indexingRules.table.sources,
    ofReport: { steps: COUNT },
  }),
})
const LISTS = [...CLAIM_LISTS, TASKS]

test('[B45] a list that blocks lack comes by a skeleton of its part, the same from everybody, and merges', () => {
  const { doc, block } = docWithBlock()
  const skeleton = Y.encodeStateAsUpdate(doc)
  const other = forkDoc(doc)
  block.claims(TASKS).startRun('one', USER)
  getBlock(other, 'b1')?.claims(TASKS).startRun('two', WORKFLOW)
  syncAll(doc, other)
  for (const each of [doc, other]) {
    expect(
      getBlock(each, 'b1')
        ?.claims(TASKS)
        .entries()
        .map(({ name }) => name),
    ).toEqual(['one', 'two'])
  }
  // The block's own skeleton has the same number of structs as without the list.
  const fresh = new Y.Doc()
  createBlock(fresh, 'b1', { type: 'text' })
  expect([...Y.parseUpdateMeta(skeleton).to.values()]).toEqual([
    ...Y.parseUpdateMeta(Y.encodeStateAsUpdate(fresh)).to.values(),
  ])
  expect(block.claims(TASKS)).toBe(block.claims(TASKS))
  const update = Y.encodeStateAsUpdate(doc)
  const writer = { actor: 'anonymous', source: 'user_action', sources: undefined, isAuthenticated: false }
  expect(defineDocumentRules({ lists: LISTS }).open(new Y.Doc()).inspect(update, writer)).toBeUndefined()
  expect(documentRules.open(new Y.Doc()).inspect(update, writer)?.code).toBe('forged_skeleton')
})

test('[B45] observers, pruning and JSON look at the lists that they are given', () => {
  const { doc, block } = docWithBlock()
  const run = block.claims(TASKS).startRun('one', WORKFLOW)
  const told: string[] = []
  observeBlocks(
    doc,
    ({ changed }) => told.push(...changed.flatMap(({ claims }) => claims.map(({ list }) => list.part))),
    LISTS,
  )
  const late = forkDoc(doc)
  getBlock(late, 'b1')
    ?.claims(TASKS)
    .report('one', run, 'over', { ...POLLER, steps: 1 })
  block.claims(TASKS).report('one', run, 'over', { ...WORKFLOW, steps: 2 })
  syncAll(doc, late)
  expect(told).toEqual(['tasks', 'tasks'])
  expect(pruneBeaten(doc)).toBe(0)
  expect(pruneBeaten(doc, ['b1'], LISTS)).toBe(1)
  expect(block.toJSON()).not.toHaveProperty('tasks')
  expect(block.toJSONWith(LISTS)).toMatchObject({ tasks: [{ name: 'one', status: 'over', steps: 2 }], fields: {} })
})

test('[B45] two lists of one part are refused', () => {
  const { block } = docWithBlock()
  block.claims(TASKS).startRun('one', USER)
  const twin = statusClaims({ part: 'tasks', noun: 'task', rules: TASKS.rules })
  expect(() => block.claims(twin).entries()).toThrow(TypeError)
  expect(() => defineDocumentRules({ lists: [TASKS, twin] })).toThrow(TypeError)
})

const aSource = fc.constantFrom<Source>('user_action', 'workflow_execution', 'instantiation', 'polling_sync')
const aStatus = fc.constantFrom('notStarted', 'processing', 'done', 'error' as const)

test('[B46] canStart tells what startRun does, whatever stands', () => {
  fc.assert(
    fc.property(aSource, aStatus, aSource, (starter, status, source) => {
      const { block } = docWithBlock()
      const { indexingList } = block
      expect(indexingRules.canStart(undefined, source)).toBe(true)
      const run = indexingList.startRun('alpha', { source: starter, actor: 'a' })
      indexingList.report('alpha', run, status, { source: starter, actor: 'a' })
      const standing = indexingList.get('alpha')
      const start = () => indexingList.startRun('alpha', { source, actor: 'b' })
      if (indexingRules.canStart(standing, source)) expect(start().no).toBe(2)
      else expect(start).toThrow(RunSupersededError)
    }),
  )
})

test('[B46] wouldLose is true when no report on the run can show, and only then', () => {
  const aRun = fc.record({ no: fc.integer({ min: 1, max: 2 }), id: fc.constantFrom('r1', 'r2'), source: aSource })
  fc.assert(
    fc.property(aRun, aRun, aStatus, aSource, (run, standing, status, source) => {
      const claim = (of: typeof run, said: typeof status) =>
        ({ index_name: 'a', run: of, status: said, source, actor: 'a', at: 1 }) as const
      // The greatest possible claim on the one run, beside the least possible claim on the other.
      const order = indexingRules.compare(claim(run, 'error'), claim(standing, 'notStarted'))
      if (indexingRules.wouldLose(run, standing)) expect(order).toBeLessThan(0)
      else expect(indexingRules.compare(claim(run, 'error'), claim(standing, status))).toBeGreaterThanOrEqual(0)
    }),
  )
})
