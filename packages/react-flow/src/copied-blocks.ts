import { type ClaimAuthor, isCommentField, type Json, listEdges, type Source, setEdge } from '@joinery/blocks'
import { placeLast, type Workspace } from '@joinery/client'
import { POSITION_FIELD, type Point, readFrame, readPosition, setPosition } from './board-position.ts'
import { inOneStep } from './one-step.ts'

/** Blocks as plain JSON, to put on a clipboard: their types, texts and fields, and the edges between them. */
export interface CopiedBlocks {
  readonly joinery: 'blocks@1'
  readonly blocks: readonly CopiedBlock[]
  /** Edges by the index of their blocks in `blocks`. */
  readonly edges: readonly (readonly [source: number, target: number])[]
}
interface CopiedBlock {
  readonly type: string
  readonly content: string
  readonly fields: Readonly<Record<string, Json>>
  /** Index of the frame in which the block stands, if that was copied, too. */
  readonly frame?: number
}

/** Most blocks of one paste: each is an edit for everybody. */
const BLOCKS_MAX = 500

/**
 * Copies blocks, in the order of `ids`, with `places` as their positions: where they are shown. Statuses and comments are not copied: a
 * copy was never indexed, and nobody has said anything about it.
 */
export function copyBlocks(
  workspace: Workspace,
  ids: readonly string[],
  places: ReadonlyMap<string, Point> = new Map(),
): CopiedBlocks {
  const found = ids.slice(0, BLOCKS_MAX).flatMap((id) => workspace.blocks.get(id) ?? [])
  const indexes = new Map(found.map(({ id }, index) => [id, index]))
  const blocks = found.map(({ id, type, text, fields }) => {
    const { place: _place, [POSITION_FIELD]: position, ...others } = fields.toJSON()
    const kept = Object.fromEntries(Object.entries(others).filter(([key]) => !isCommentField(key)))
    const at = places.get(id) ?? readPosition(position)
    const frame = indexes.get(readFrame(position)?.id ?? '')
    return {
      type: type ?? 'text',
      content: text,
      fields: at === undefined ? kept : { ...kept, [POSITION_FIELD]: { x: at.x, y: at.y } },
      ...(frame !== undefined && { frame }),
    }
  })
  const edges = listEdges(workspace.doc).flatMap(({ source, target }) => {
    const ends = [indexes.get(source), indexes.get(target)] as const
    return ends[0] === undefined || ends[1] === undefined ? [] : [[ends[0], ends[1]] as const]
  })
  return { joinery: 'blocks@1', blocks, edges }
}

/** Reads {@link CopiedBlocks} from a clipboard's text; undefined for any other text. */
export function readCopied(text: string): CopiedBlocks | undefined {
  if (!text.includes('"blocks@1"')) return undefined
  try {
    const value = JSON.parse(text) as CopiedBlocks
    if (value.joinery !== 'blocks@1' || !Array.isArray(value.blocks) || !Array.isArray(value.edges)) return undefined
    const isBlock = (block: unknown): boolean => {
      const { type, content, fields } = Object(block) as Partial<CopiedBlock>
      return typeof type === 'string' && typeof content === 'string' && typeof fields === 'object' && fields !== null
    }
    const isEdge = (edge: unknown): boolean => Array.isArray(edge) && edge.length === 2 && edge.every(Number.isInteger)
    const isCopy = value.blocks.length <= BLOCKS_MAX && value.blocks.every(isBlock) && value.edges.every(isEdge)
    return isCopy ? value : undefined
  } catch {
    // The text only looks like a copy.
    return undefined
  }
}

/**
 * Makes new blocks from copied ones, `by` away from the place of each original, behind all others in the order, as one undo step.
 * Returns their ids.
 */
export function pasteBlocks(
  workspace: Workspace,
  copied: CopiedBlocks,
  by: Point,
  author: ClaimAuthor & { readonly source: Source },
): string[] {
  const ids: string[] = []
  inOneStep(workspace, () => {
    for (const { type, content, fields } of copied.blocks) {
      const block = workspace.blocks.create({ type })
      if (content !== '') block.content.insert(0, content)
      for (const [key, value] of Object.entries(fields)) {
        if (key !== POSITION_FIELD && key !== 'place') block.fields.set(key, value, author)
      }
      placeLast(workspace, block.id, author)
      ids.push(block.id)
    }
    const places = copied.blocks.map(({ fields }) => {
      const at = readPosition(fields[POSITION_FIELD])
      return at && { x: at.x + by.x, y: at.y + by.y }
    })
    for (const [index, { frame }] of copied.blocks.entries()) {
      const [at, block] = [places[index], workspace.blocks.get(ids[index] ?? '')]
      if (at === undefined || block === undefined) continue
      const [id, position] = [ids[frame ?? -1], places[frame ?? -1]]
      setPosition(block, at, author, id !== undefined && position !== undefined ? { id, position } : undefined)
    }
    for (const [from, to] of copied.edges) {
      const [source, target] = [ids[from], ids[to]]
      if (source !== undefined && target !== undefined) {
        setEdge(workspace.doc, `${source}~${target}`, { source, target })
      }
    }
  })
  return ids
}
