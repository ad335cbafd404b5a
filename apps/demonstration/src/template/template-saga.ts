import { defineSaga, each, StepError, step, waitFor } from '@joinery/worker'
import { LIBRARY_NOTES, MINUTES, RESEARCH_NOTES } from '../steps/sample-texts.ts'

/** Input of a task of the saga. */
export interface TemplateInput {
  /** Beginning of the ids of the blocks: two tasks with different ones make different blocks. */
  readonly prefix: string
  /** Whether the plan turns out to be one that can't be finished. */
  readonly fails: boolean
  /** Time that each text takes, ms, so that a person can follow. */
  readonly textMs: number
}

export const TEMPLATE_SAGA = 'use-template'

/** Blocks of the template, by the ends of their ids. */
const TEXTS = {
  notes: { type: 'text', title: 'Research notes', text: RESEARCH_NOTES },
  minutes: { type: 'text', title: 'Minutes', text: MINUTES },
  library: { type: 'vector_collection', title: 'Library', text: LIBRARY_NOTES },
} as const
type Part = keyof typeof TEXTS
const PARTS = Object.keys(TEXTS) as Part[]
const COLUMN_PX = 380

/** Ids of the blocks that a task makes. */
export function templateBlocks({ prefix }: Pick<TemplateInput, 'prefix'>): Readonly<Record<Part, string>> {
  return { notes: `${prefix}-notes`, minutes: `${prefix}-minutes`, library: `${prefix}-library` }
}

/** Text that the template writes into a block. */
export function templateText(part: Part): string {
  return TEXTS[part].text
}

/**
 * Makes the blocks of a template, writes their texts one by one, and connects them. When that can't be finished, it takes the
 * blocks back, except those that somebody else has written in.
 */
export const templateSaga = defineSaga<TemplateInput>({
  name: TEMPLATE_SAGA,
  version: 1,
  deadlineMs: 10 * 60_000,
  subject: (input) => ({ block: templateBlocks(input).notes, name: 'template' }),
  steps: [
    step('create-blocks', {
      run: ({ input, edit }) =>
        edit((d) => {
          const ids = templateBlocks(input)
          for (const [column, part] of PARTS.entries()) {
            const { type, title } = TEXTS[part]
            d.put(ids[part], { type, fields: { title }, data: { x: column * COLUMN_PX } })
          }
          return Object.values(ids)
        }),
      compensate: ({ input, removeIfUntouched }) => removeIfUntouched(Object.values(templateBlocks(input))),
    }),
    each('write-texts', {
      items: () => PARTS,
      run: async ({ input, item, edit, signal }) => {
        await pause(input.textMs, signal)
        return edit((d) => d.patch(templateBlocks(input)[item], { content: templateText(item) }))
      },
    }),
    waitFor('approval'),
    step('check-the-plan', {
      run: ({ input }) => {
        if (input.fails) throw new StepError('permanent', 'the plan of this template can’t be carried out')
        return 'it can be carried out'
      },
    }),
    step('connect-blocks', {
      run: ({ input, edit }) =>
        edit((d) => {
          const { notes, minutes, library } = templateBlocks(input)
          d.putEdge(`${notes}-library`, { source: notes, target: library })
          d.putEdge(`${minutes}-library`, { source: minutes, target: library })
          return 2
        }),
    }),
  ],
})

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
