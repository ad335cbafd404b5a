import * as Y from 'yjs'
import type { Block } from './block.ts'
import type { ClaimList } from './claim-list.ts'
import { isForbiddenKey } from './json.ts'
import { doAtOnce, type LongWork } from './long-work.ts'
import { RichReader } from './rich-content/rich-reader.ts'
import { emptiedOf, type RichType } from './rich-content/rich-type.ts'
import { getBlock, listBlocks } from './workspace-blocks.ts'

/** All that a document shows, or a part of it. It does not change with the document. */
export interface DocumentContent {
  readonly blocks: ReadonlyMap<string, BlockContent>
  /** All roots by their names. That of the blocks holds only values that are no blocks. */
  readonly roots: ReadonlyMap<string, RichType>
  readonly reader: RichReader
}

/** All that a block shows. */
export interface BlockContent {
  readonly id: string
  readonly type: string
  /** The lists of claims as they show, as JSON, by part. */
  readonly lists: Readonly<Record<string, unknown>>
  /** Everything else: content, data, and keys of stock clients. */
  readonly rest: RichType
}

/** A part of a document, by names. */
export interface DocumentScope {
  readonly blocks: ReadonlySet<string>
  /** Roots that belong to it as a whole. */
  readonly roots: ReadonlySet<string>
  readonly edges: ReadonlySet<string>
}

/** Names of the roots whose keys have paths of their own: the map of all blocks, and that of all edges. */
export const BLOCKS_ROOT = 'blocks'
export const EDGES_ROOT = 'edges'

/** Reads a document, or a part of it. Contents that are compared are read by one `reader`. Writes nothing. */
export function readDocument(
  doc: Y.Doc,
  lists: readonly ClaimList[],
  reader: RichReader = new RichReader(),
  scope?: DocumentScope,
): DocumentContent {
  return doAtOnce(readingDocument(doc, lists, reader, scope))
}

/** The steps to the same. The document must not change between two of them. */
export function* readingDocument(
  doc: Y.Doc,
  lists: readonly ClaimList[],
  reader: RichReader = new RichReader(),
  scope?: DocumentScope,
): LongWork<DocumentContent> {
  const blocks = new Map<string, BlockContent>()
  for (const block of scope === undefined ? listBlocks(doc) : blocksIn(doc, scope)) {
    blocks.set(block.id, yield* readingBlock(block, lists, reader))
    yield
  }
  const roots = new Map<string, RichType>()
  for (const [name, root] of doc.share) {
    const keys = scope && keysOf(scope, name)
    if (name === BLOCKS_ROOT) roots.set(name, yield* reader.readingOnly(root, isNoBlock(keys)))
    else if (keys !== undefined) roots.set(name, yield* reader.readingOnly(root, (key) => keys.has(key)))
    else if (scope === undefined || scope.roots.has(name)) roots.set(name, yield* reader.reading(root))
  }
  return { blocks, roots, reader }
}

/** The keys of a root that belong to a scope; undefined if the root belongs to it as a whole or not at all. */
function keysOf({ blocks, roots, edges }: DocumentScope, root: string): ReadonlySet<string> | undefined {
  if (roots.has(root)) return undefined
  return root === BLOCKS_ROOT ? blocks : root === EDGES_ROOT ? edges : undefined
}

/** Takes the keys of the map of blocks that hold no block. */
function isNoBlock(keys: ReadonlySet<string> | undefined) {
  return (key: string, value: unknown): boolean =>
    (keys === undefined || keys.has(key)) && (!(value instanceof Y.Map) || isForbiddenKey(key))
}

function blocksIn(doc: Y.Doc, { blocks }: DocumentScope): Block[] {
  return [...blocks].flatMap((id) => (isForbiddenKey(id) ? [] : (getBlock(doc, id) ?? [])))
}

/** Reads one block. */
export function readBlockContent(block: Block, lists: readonly ClaimList[], reader: RichReader): BlockContent {
  return doAtOnce(readingBlock(block, lists, reader))
}

function* readingBlock(block: Block, lists: readonly ClaimList[], reader: RichReader): LongWork<BlockContent> {
  const { id, type, map } = block
  const parts = new Set(['id', 'type', ...lists.map(({ part }) => part)])
  const rest = yield* reader.readingOnly(map, (key) => !parts.has(key), 'map')
  return {
    id,
    type,
    lists: Object.fromEntries(lists.map((list) => [list.part, block.claims(list).toJSON()])),
    rest: withTextParts(rest, reader),
  }
}

/** A string that a stock client put in the place of the content counts as a text: reading it through this package made it one. */
function withTextParts(rest: RichType, reader: RichReader): RichType {
  const content = rest.entries.get('content')
  if (content?.kind !== 'json' || typeof content.value !== 'string') return rest
  const { value: text } = content
  const pieces = [{ client: -1, clock: 0, length: text.length, text, value: undefined, marks: reader.marks({}) }]
  const made = reader.make({ ...emptiedOf({ kind: 'text', name: '' }), pieces })
  return reader.make({ ...rest, entries: new Map([...rest.entries, ['content', made]]) })
}

/** The part of a content that a document's {@link readDocument} of the same scope gives. */
export function contentWithin({ blocks, roots, reader }: DocumentContent, scope: DocumentScope): DocumentContent {
  const within = new Map<string, RichType>()
  for (const [name, root] of roots) {
    const keys = keysOf(scope, name)
    if (keys !== undefined) within.set(name, keysWithin(root, keys, reader))
    else if (scope.roots.has(name)) within.set(name, root)
  }
  const kept = [...scope.blocks].flatMap((id): [string, BlockContent][] => {
    const block = blocks.get(id)
    return block === undefined ? [] : [[id, block]]
  })
  return { blocks: new Map(kept), roots: within, reader }
}

function keysWithin(root: RichType, keys: ReadonlySet<string>, reader: RichReader): RichType {
  // In the order of all entries, by which a type is numbered.
  const entries = [...keys].sort().flatMap((key) => {
    const value = root.entries.get(key)
    return value === undefined ? [] : [[key, value] as const]
  })
  return reader.make({ ...root, entries: new Map(entries) })
}

/**
 * The part of a document that paths name (see `touchedPaths`). A path such as `a/b` may be of a block `a/b`, of a part of the block `a`,
 * and of a root: it names them all.
 */
export function scopeOfPaths(paths: Iterable<string>): DocumentScope {
  const [names, edges] = [new Set<string>(), new Set<string>()]
  for (const path of paths) {
    if (path.startsWith(`${EDGES_ROOT}/`)) edges.add(path.slice(EDGES_ROOT.length + 1))
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) names.add(path.slice(0, end))
  }
  const roots = new Set(names)
  for (const root of [BLOCKS_ROOT, EDGES_ROOT]) roots.delete(root)
  return { blocks: names, roots, edges }
}

/** The part of a document that differs: `keys` are the keys of each root that differ, undefined for a root that differs as a whole. */
export function scopeOfRoots(
  differing: Iterable<readonly [root: string, keys: readonly string[] | undefined]>,
): DocumentScope {
  const [blocks, roots, edges] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const [root, keys] of differing) {
    const known = root === BLOCKS_ROOT ? blocks : root === EDGES_ROOT ? edges : undefined
    if (keys === undefined || known === undefined) roots.add(root)
    else for (const key of keys) known.add(key)
  }
  return { blocks, roots, edges }
}

export function joinScopes(one: DocumentScope, other: DocumentScope): DocumentScope {
  return {
    blocks: new Set([...one.blocks, ...other.blocks]),
    roots: new Set([...one.roots, ...other.roots]),
    edges: new Set([...one.edges, ...other.edges]),
  }
}
