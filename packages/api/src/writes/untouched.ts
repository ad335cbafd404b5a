import { blocksMap, getBlock, getEdge, listEdges } from '@joinery/blocks'
import type { Stamp, Stamps, WorkspaceView } from '@joinery/server'
import type { Kept, OwnWrites } from '@joinery/tasks'
import { edgePath } from '../edge-view.ts'

/** Parts of a block whose changes do not count: tasks and jobs tell there how they fare. */
const PARTS_OF_STATUS: ReadonlySet<string> = new Set(['statuses', 'indexingList', 'id'])

/** The blocks and edges that are deleted, and the blocks that stay. */
export interface Removal {
  readonly blocks: readonly string[]
  /** Edges of the task itself at these blocks. */
  readonly edges: readonly string[]
  readonly kept: readonly Kept[]
}

/**
 * Decides which of the blocks may be deleted: those of which every change of the content, the fields, the data, the type and the
 * edges was made by the task. A block that is not there is left out. Read in the turn in which the blocks are deleted.
 */
export function planRemoval(view: WorkspaceView, ids: readonly string[], own: OwnWrites): Removal {
  const blocks: string[] = []
  const kept: Kept[] = []
  const known = new Map(own.touched.map((change) => [change.block, change]))
  const asked = [...new Set(ids)].filter((id) => getBlock(view.doc, id) !== undefined)
  const edgesOf = asked.length === 0 ? undefined : edgesByBlock(view)
  const edges = new Set<string>()
  for (const id of asked) {
    const around = edgesOf?.get(id) ?? []
    const foreign = known.get(id) ?? foreignChange(view, id, around, own)
    if (foreign !== undefined) {
      kept.push(foreign)
      continue
    }
    blocks.push(id)
    for (const edge of around) edges.add(edge)
  }
  return { blocks, edges: [...edges], kept }
}

/** Paths that a write is about to change: of blocks, except for their statuses and indexes, and of edges. */
export interface AboutToWrite {
  readonly blocks: Iterable<string>
  readonly edges: Iterable<string>
}

/**
 * The blocks that somebody else has changed since the task wrote to them, of those that it is about to write to. A stamp tells of
 * the last writer only: after the write, nobody could tell any more.
 *
 * @param about undefined for a write that may change everything
 */
export function touchedBefore(view: WorkspaceView, about: AboutToWrite | undefined, own: OwnWrites): Kept[] {
  const { doc, stamps } = view
  const known = new Set(own.touched.map(({ block }) => block))
  const touched: Kept[] = []
  const note = (change: Kept | undefined): void => {
    if (change === undefined || known.has(change.block)) return
    known.add(change.block)
    touched.push(change)
  }
  for (const id of about?.blocks ?? blocksMap(doc).keys()) {
    if (!known.has(id) && getBlock(doc, id) !== undefined) note(foreignChange(view, id, [], own))
  }
  const edges = about === undefined ? listEdges(doc) : Array.from(about.edges, (id) => getEdge(doc, id))
  for (const edge of edges) {
    const stamp = edge && stamps.of(edgePath(edge.id))
    if (stamp === undefined || own.isOwn(stamp.lsn)) continue
    for (const block of [edge?.source, edge?.target]) {
      if (block !== undefined) note({ block, version: stamp.lsn, by: stamp.actor })
    }
  }
  return touched
}

/** The latest change of a block that is not the task's; undefined if all are. */
function foreignChange(
  { doc, stamps }: WorkspaceView,
  id: string,
  edges: readonly string[],
  own: OwnWrites,
): Kept | undefined {
  const parts = [...(getBlock(doc, id)?.map.keys() ?? [])].filter((part) => !PARTS_OF_STATUS.has(part))
  const paths = [...parts.map((part) => `${id}/${part}`), ...edges.map(edgePath)]
  const changes = paths.flatMap((path) => stamps.of(path) ?? [])
  // A block that was made with empty parts has a stamp of its own only, which its statuses move, too.
  const all = changes.length > 0 ? changes : ofBlock(stamps, id)
  let latest: Stamp | undefined
  for (const change of all) {
    if (own.isOwn(change.lsn)) continue
    if (latest === undefined || change.lsn > latest.lsn) latest = change
  }
  return latest && { block: id, version: latest.lsn, by: latest.actor }
}

function ofBlock(stamps: Stamps, id: string): Stamp[] {
  const stamp = stamps.of(id)
  return stamp === undefined ? [] : [stamp]
}

function edgesByBlock({ doc }: WorkspaceView): Map<string, string[]> {
  const byBlock = new Map<string, string[]>()
  for (const { id, source, target } of listEdges(doc)) {
    for (const block of new Set([source, target])) byBlock.set(block, [...(byBlock.get(block) ?? []), id])
  }
  return byBlock
}
