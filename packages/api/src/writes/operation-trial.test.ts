import { blocksMap, CLAIM_LISTS, createBlock, forkDoc, type Source } from '@joinery/blocks'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiError } from '../api-error.ts'
import { EdgeTrial } from './edge-operation.ts'
import { checkOperation, runOperation } from './operation.ts'
import { isEdgeOperation, type Operation } from './operation-kinds.ts'
import { OperationTrial } from './operation-trial.ts'

const block = fc.constantFrom('made', 'legacy', 'new', 'foreign', 'odd')
const index = fc.constantFrom('alpha', 'beta')
const run = fc.constantFrom('r1', 'r2', 'r3')
const fields = fc.dictionary(
  fc.constantFrom('a', 'b'),
  fc.constantFrom(1, null, 'x'.repeat(9_000), { c: 'y'.repeat(9_000) }),
)
const type = fc.option(fc.constant('text'), { nil: undefined })
const machine = fc.constantFrom('file@1', 'payment@1', 'file@2')
const status = fc.constantFrom('pending', 'syncing', 'failed', 'captured')
const anOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op: fc.constant('put'), block, type, content: fc.constant('text'), fields: fc.constant({ a: 1 }) }),
  fc.record({ op: fc.constant('patch'), block, fields, data: fc.constant({ n: 1 }) }),
  fc.record({ op: fc.constant('delete'), block }),
  fc.record({ op: fc.constant('startRun'), block, index, runId: run, status: fc.constant('processing') }),
  fc.record({ op: fc.constant('report'), block, index, run, status: fc.constantFrom('done', 'processing') }),
  fc.record({ op: fc.constant('removeIndex'), block, index }),
  fc.record({ op: fc.constant('startStatus'), block, machine, name: index, runId: run, status }),
  fc.record({ op: fc.constant('reportStatus'), block, machine, name: index, run, status }),
  fc.record({ op: fc.constant('removeStatus'), block, machine, name: index }),
  fc.record({ op: fc.constant('putEdge'), edge: index, source: block, target: block }),
  fc.record({ op: fc.constant('deleteEdge'), edge: index }),
) as fc.Arbitrary<Operation>

/** A proper block, one with an entry of a stock client, a value that is no block, and a block with a list in place of a text. */
function someDoc(): Y.Doc {
  const doc = new Y.Doc()
  const made = createBlock(doc, 'made', { type: 'text' })
  made.indexingList.startRun('alpha', { source: 'user_action', actor: 'ada', runId: 'r1' })
  made.fields.set('a', { b: 'z'.repeat(9_000) }, { source: 'user_action', actor: 'ada' })
  const list = createBlock(doc, 'legacy', { type: 'text' }).map.get('indexingList')
  if (list instanceof Y.Array) list.push([{ index_name: 'beta', status: 'processing', timestamp: 7 }])
  blocksMap(doc).set('foreign', 'no block')
  blocksMap(doc).set('odd', new Y.Map([['content', new Y.Array()]]))
  return doc
}

/** The outcome of the operations on a copy of the whole document, tried one after the other. */
function faultOnCopy(doc: Y.Doc, operations: readonly Operation[], source: Source): string {
  const copy = forkDoc(doc)
  let at = 0
  try {
    copy.transact(() => {
      for (const operation of operations) {
        if (isEdgeOperation(operation)) new EdgeTrial(copy).check(operation)
        else checkOperation(copy, operation, { source, actor: 'job' }, CLAIM_LISTS)
        runOperation(copy, operation, { source, actor: 'job' }, CLAIM_LISTS)
        at++
      }
    })
    return 'none'
  } catch (error) {
    return error instanceof ApiError ? `${at}: ${error.code} ${error.message}` : `${at}: ${error}`
  }
}

function faultInTrial(doc: Y.Doc, operations: readonly Operation[], source: Source): string {
  let at = 0
  try {
    new OperationTrial(doc, { source, actor: 'job' }, CLAIM_LISTS).check(operations, (position, check) => {
      at = position
      check()
    })
    return 'none'
  } catch (error) {
    return error instanceof ApiError ? `${at}: ${error.code} ${error.message}` : `${at}: ${error}`
  }
}

it('[H9] operations are refused where a copy of the whole document would refuse them, which is not touched', () => {
  const source = fc.constantFrom<Source>('user_action', 'polling_sync')
  fc.assert(
    fc.property(fc.array(anOperation, { maxLength: 8 }), source, (operations, author) => {
      const doc = someDoc()
      const before = Y.encodeStateAsUpdate(doc)
      expect(faultInTrial(doc, operations, author)).toBe(faultOnCopy(doc, operations, author))
      expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
    }),
    { numRuns: 400 },
  )
})
