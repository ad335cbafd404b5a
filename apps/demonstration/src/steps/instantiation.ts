import { type Block, setEdge } from '@joinery/blocks'
import { LIBRARY_NOTES, MINUTES, RESEARCH_NOTES } from './sample-texts.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** Ids of the blocks that a template has made. */
export interface TemplateBlocks {
  readonly notes: string
  readonly minutes: string
  readonly library: string
}

/** Distance between two blocks on the board, px. */
const COLUMN_PX = 380

/** Steps of the template: three blocks, the edges between them, and an index for each. */
export function createInstantiationSteps({ workspace, author, pause, note }: StepContext) {
  const make = (id: string, type: string, title: string, text: string): Block => {
    const block = workspace.blocks.create(id, { type })
    block.fields.set('title', title, author)
    if (text !== '') block.content.insert(0, text)
    return block
  }
  return {
    /** Makes a block with a text, for a scenario for which nobody chose a block. */
    async makeBlock({ id, title }: { id: string; title: string }): Promise<void> {
      workspace.transact(() => make(id, 'text', title, RESEARCH_NOTES))
      await workspace.whenDurable()
    },

    /** Writes a text into a block if it is empty. */
    async fillIfEmpty({ block: id }: { block: string }): Promise<void> {
      const block = blockOf(workspace.blocks, id)
      if (block.text.trim() !== '') return
      note('The block was empty: the template gave it a text to work on.')
      block.content.insert(0, RESEARCH_NOTES)
      await workspace.whenDurable()
    },

    async instantiate({ prefix }: { prefix: string }): Promise<TemplateBlocks> {
      const ids = { notes: `${prefix}-notes`, minutes: `${prefix}-minutes`, library: `${prefix}-library` }
      const { doc } = workspace
      workspace.transact(() => {
        const blocks = [
          make(ids.notes, 'text', 'Research notes', RESEARCH_NOTES),
          make(ids.minutes, 'text', 'Minutes', ''),
          make(ids.library, 'vector_collection', 'Library', LIBRARY_NOTES),
        ]
        blocks.forEach(({ data }, column) => {
          data.set('x', column * COLUMN_PX)
        })
        setEdge(doc, `${prefix}-notes-library`, { source: ids.notes, target: ids.library })
        setEdge(doc, `${prefix}-minutes-library`, { source: ids.minutes, target: ids.library })
      })
      await pause(800)
      for (const id of Object.values(ids)) {
        blockOf(workspace.blocks, id).indexingList.startRun('main', { ...author, status: 'notStarted' })
      }
      await workspace.whenDurable()
      note('The template made three blocks, two edges, and for each block an index that nobody has started yet.')
      return ids
    },

    /** Writes the text that was missing in the block whose indexing failed. */
    async writeMinutes({ block: id }: { block: string }): Promise<void> {
      const { content } = blockOf(workspace.blocks, id)
      content.insert(content.length, MINUTES)
      await workspace.whenDurable()
    },
  }
}
