import { randomUUID } from 'node:crypto'
import type { WriterProcess } from '../writer-process.ts'
import type { Stage } from './scenario.ts'

/** Returns the block that the person chose, or one that the template makes; the block has a text. */
export function chosenBlock(stage: Stage): Promise<string> {
  return withTemplate(stage, async (template) => {
    const block = await stage.block(async () => {
      const id = randomUUID()
      await template.do('makeBlock', { id, title: 'Demonstration' })
      return id
    })
    await template.do('fillIfEmpty', { block })
    return block
  })
}

/** Runs `work` with a template writer, and ends that writer. */
export async function withTemplate<T>(stage: Stage, work: (template: WriterProcess) => Promise<T>): Promise<T> {
  const template = await stage.enter('template', 'instantiation')
  try {
    return await work(template)
  } finally {
    await template.leave()
  }
}
