import { randomUUID } from 'node:crypto'
import type { WriterProcess } from '../writer-process.ts'
import type { Stage } from './scenario.ts'

/** The block that the person chose, with a text in it; without a choice, one that the template makes. */
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

/** Has the template do something, and leave. */
export async function withTemplate<T>(stage: Stage, work: (template: WriterProcess) => Promise<T>): Promise<T> {
  const template = await stage.enter('template', 'instantiation')
  try {
    return await work(template)
  } finally {
    await template.leave()
  }
}
