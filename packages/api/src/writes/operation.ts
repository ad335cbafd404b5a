import {
  type Block,
  blocksMap,
  type ClaimAuthor,
  type ClaimList,
  changeFields,
  charactersOf,
  checkJson,
  createBlock,
  type DeltaPiece,
  deleteBlock,
  getBlock,
  type IndexingEntry,
  type IndexingRun,
  indexingRules,
  isSameJson,
  type Json,
  type JsonObject,
  type JsonWrite,
  replaceDelta,
  restoreFields,
  type Source,
  writeJson,
} from '@joinery/blocks'
import * as Y from 'yjs'
import { ApiError, supersededBy } from '../api-error.ts'
import { mergePatch } from '../merge-patch.ts'
import { fitsClaim } from '../request-json.ts'
import { runEdgeOperation } from './edge-operation.ts'
import {
  type BlockOperation,
  isEdgeOperation,
  isStatusOperation,
  type OfKind as Of,
  type Operation,
} from './operation-kinds.ts'
import { amountsOf } from './run-amounts.ts'
import { checkStatusOperation, runStatusOperation } from './status-operation.ts'

/** Throws where `runOperation` would throw. An edit that throws costs a rebuild of the document, so it is checked before. */
export function checkOperation(
  doc: Y.Doc,
  operation: BlockOperation,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): void {
  const block = getBlock(doc, operation.block)
  if (block === undefined) {
    if (blocksMap(doc).has(operation.block)) throw foreignShape(operation.block, 'blocks')
    if (operation.op !== 'put') throw new ApiError('unknown_block', `there is no block "${operation.block}"`)
    if (operation.block === '.' || operation.block === '..')
      throw new ApiError(
        'invalid',
        `"${operation.block}" is no id for a new block, since no URL can name it: choose another`,
      )
    if (operation.type === undefined) throw new ApiError('type_required', 'a new block needs a type: send one')
    return
  }
  assertShape(block, lists)
  if (operation.op === 'patch') assertFieldsFit(block, operation)
  if ('data' in operation) checkData(block, operation)
  if (isStatusOperation(operation)) checkStatusOperation(block, operation, author, lists)
  if ('index' in operation) checkIndexOperation(block, operation, author.source)
}

function checkIndexOperation(block: Block, operation: Of<'startRun' | 'report' | 'removeIndex'>, source: Source): void {
  const standing = block.indexingList.get(operation.index)
  if (operation.op === 'startRun') {
    const isSame = standing?.run.id === operation.runId
    if (standing !== undefined && !isSame && !indexingRules.canStart(standing, source)) throw superseded(standing)
    return
  }
  if (standing === undefined) {
    throw new ApiError('unknown_index', `block "${block.id}" has no index "${operation.index}"`)
  }
  if (operation.op === 'report' && standing.run.id !== operation.run && lateRun(operation, standing) === undefined)
    throw superseded(standing)
}

/**
 * The run of a report that comes too late, if the caller says which it was: the document no longer does, and a number made
 * up would be a lie for good. Undefined for one that would not lose, which only a start may bring about.
 */
function lateRun({ run: id, started }: Of<'report'>, { run: standing }: IndexingEntry): IndexingRun | undefined {
  if (started === undefined) return undefined
  const run: IndexingRun = { no: started.no, id, source: started.source }
  return indexingRules.wouldLose(run, standing) ? run : undefined
}

function superseded(standing: IndexingEntry): ApiError {
  const { run, index_name, status, actor } = standing
  const who = `run ${run.no} ("${run.id}") of ${run.source}, last reported by ${actor || 'a client without a name'}`
  return supersededBy(standing, `${who}, stands for index "${index_name}" and is ${status}`)
}

/** Stock clients may put any value anywhere. A part that can't be edited is refused before any edit. */
function assertShape({ id, map }: Block, lists: readonly ClaimList[]): void {
  const content = map.get('content')
  if (!(content === undefined || typeof content === 'string' || content instanceof Y.Text))
    throw foreignShape(id, 'content')
  const data = map.get('data')
  if (!(data === undefined || data instanceof Y.Map)) throw foreignShape(id, 'data')
  for (const { part } of lists) {
    const elements = map.get(part)
    if (!(elements === undefined || Array.isArray(elements) || elements instanceof Y.Array))
      throw foreignShape(id, part)
  }
}

function foreignShape(id: string, part: string): ApiError {
  return new ApiError(
    'foreign_shape',
    `a client has put a value of another type under "${part}" of block "${id}": this API can't edit it`,
  )
}

function assertFieldsFit(block: Block, { fields = {} }: Of<'patch'>): void {
  for (const [key, value] of Object.entries(fields)) {
    if (!fitsClaim(mergePatch(block.fields.get(key), value)))
      throw new ApiError(
        'invalid',
        `fields.${key} would become too large by this patch, with the value that it has: send a smaller one`,
      )
  }
}

/**
 * Makes the edit, inside the caller's transaction, after {@link checkOperation}. `base` is the document from which the new
 * content was written: the edit is made there, and merged with later edits.
 */
export function runOperation(
  doc: Y.Doc,
  operation: Operation,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
  base?: Y.Doc,
): void {
  if (isEdgeOperation(operation)) return runEdgeOperation(doc, operation)
  if (isStatusOperation(operation))
    return runStatusOperation(expectBlock(doc, operation.block), operation, author, lists)
  switch (operation.op) {
    case 'put':
      return put(doc, operation, author, base)
    case 'patch':
      return patch(expectBlock(doc, operation.block), operation, author, base)
    case 'delete':
      deleteBlock(doc, operation.block)
      return
    case 'startRun': {
      const { index, status, collectionConfigs, runId } = operation
      const options = { ...author, status, ...(collectionConfigs && { collectionConfigs }), ...(runId && { runId }) }
      expectBlock(doc, operation.block).indexingList.startRun(index, options)
      return
    }
    case 'report':
      return report(expectBlock(doc, operation.block), operation, author)
    case 'removeIndex':
      expectBlock(doc, operation.block).indexingList.remove(operation.index)
  }
}

function expectBlock(doc: Y.Doc, id: string): Block {
  const block = getBlock(doc, id)
  if (block === undefined) throw new ApiError('unknown_block', `there is no block "${id}"`)
  return block
}

function put(
  doc: Y.Doc,
  { block: id, type, content, delta, fields, data, isAlone = false, lists = [] }: Of<'put'>,
  author: ClaimAuthor,
  base?: Y.Doc,
): void {
  const block = getBlock(doc, id) ?? createBlock(doc, id, { type: type ?? '', isAlone, lists })
  if (type !== undefined && type !== block.type) block.setType(type)
  writeContent(block, content, delta, base)
  if (fields !== undefined) restoreFields(block, fields, author)
  writeData(block, data, 'replace')
}

/** Writes nothing where the block reads as it should, also where a stock client has put a string or nothing in a part's place. */
function writeContent(
  block: Block,
  content: string | undefined,
  delta: readonly DeltaPiece[] | undefined,
  base: Y.Doc | undefined,
): void {
  const options = base && { basedOn: base }
  const isText = block.map.get('content') instanceof Y.Text
  const isPlain = delta?.every(({ insert, attributes }) => typeof insert === 'string' && attributes === undefined)
  const characters = delta === undefined ? content : isPlain ? charactersOf(delta) : undefined
  if (!isText && characters === block.text) return
  if (delta !== undefined) replaceDelta(block.content, delta, options)
  else if (content !== undefined) block.replaceContent(content, options)
}

function writeData(block: Block, data: JsonObject | undefined, write: JsonWrite): void {
  if (data === undefined || (Object.keys(data).length === 0 && block.map.get('data') === undefined)) return
  writeJson(block.data, data, write)
}

function checkData({ map }: Block, { op, data }: Of<'put' | 'patch'>): void {
  const before = map.get('data')
  if (before instanceof Y.Map && data !== undefined) checkJson(before, data, op === 'put' ? 'replace' : 'patch')
}

/** Applies a JSON merge patch to the fields: null removes a field, unless it is null. */
function patchFields(block: Block, patch: Readonly<Record<string, Json>>, author: ClaimAuthor): void {
  const changes: Record<string, Json | undefined> = {}
  for (const [key, value] of Object.entries(patch)) {
    const before = block.fields.get(key)
    if (value === null && before === null) continue
    const after = value === null ? undefined : mergePatch(before, value)
    if (after === undefined || before === undefined || !isSameJson(before, after)) changes[key] = after
  }
  changeFields(block, changes, author)
}

function patch(
  block: Block,
  { type, content, delta, fields, data }: Of<'patch'>,
  author: ClaimAuthor,
  base?: Y.Doc,
): void {
  if (type !== undefined && type !== block.type) block.setType(type)
  writeContent(block, content, delta, base)
  if (fields !== undefined) patchFields(block, fields, author)
  writeData(block, data, 'patch')
}

function report(block: Block, operation: Of<'report'>, author: ClaimAuthor): void {
  const { index, status, error } = operation
  const standing = block.indexingList.get(index)
  if (standing === undefined) throw new ApiError('unknown_index', `block "${block.id}" has no index "${index}"`)
  const run = standing.run.id === operation.run ? standing.run : lateRun(operation, standing)
  if (run === undefined) throw superseded(standing)
  const told = { ...author, ...amountsOf(operation) }
  if (status === 'error')
    block.indexingList.report(index, run, status, { ...told, ...(error !== undefined && { error }) })
  else block.indexingList.report(index, run, status, told)
}
