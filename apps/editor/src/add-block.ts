import { placeLast, type Workspace } from '@joinery/client'
import { createFrame, setPosition } from '@joinery/react-flow'
import { freshTitle, titleOf } from './block-title.ts'
import { freePlace } from './panels/open-block.ts'

/** The kinds of blocks that a person can add, with the words of their buttons and the names of new ones. */
export const KINDS = [
  { type: 'text', button: 'Add text block', title: 'Text' },
  { type: 'vector_collection', button: 'Add vector collection', title: 'Collection' },
] as const
export type Kind = (typeof KINDS)[number]

/** Characters of a file's name that become a title. */
const TITLE_CHARS = 80

/** Makes a block after all others, with a title that no other block has, as one undo step. Returns its id. */
export function addBlock(workspace: Workspace, { type, title }: Kind, actor: string): string {
  return addTitled(workspace, { type, title: freshTitle(title, titlesOf(workspace)) }, actor)
}

/** Makes a block for files that fall beside all blocks, with the name of the first one. Returns its id. */
export function addFileBlock(workspace: Workspace, name: string, actor: string): string {
  return addTitled(workspace, { type: 'text', title: name.slice(0, TITLE_CHARS).toWellFormed() }, actor)
}

function addTitled(workspace: Workspace, { type, title }: { type: string; title: string }, actor: string): string {
  const author = { source: 'user_action', actor } as const
  const at = freePlace()
  workspace.undo.split()
  const id = workspace.transact(() => {
    const block = workspace.blocks.create({ type })
    block.fields.set('title', title, author)
    placeLast(workspace, block.id, author)
    if (at !== undefined) setPosition(block, at, author)
    return block.id
  })
  workspace.undo.split()
  return id
}

/** Makes an empty frame near what is in view. Returns its id. */
export function addFrame(workspace: Workspace, actor: string): string {
  const author = { source: 'user_action', actor } as const
  const at = freePlace()
  return createFrame(workspace, [], { title: freshTitle('Frame', titlesOf(workspace)), author, ...(at && { at }) }).id
}

const titlesOf = (workspace: Workspace): Set<string> =>
  new Set(workspace.blocks.list().map(({ fields, id }) => titleOf(fields.get('title'), id)))
