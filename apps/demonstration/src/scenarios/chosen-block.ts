import { randomUUID } from 'node:crypto'
import type { Demonstration } from '../demonstration.ts'
import type { WriterProcess } from '../writer-process.ts'

/** The block that the person chose, with a text in it; without a choice, one that the template makes. */
export function chosenBlock(demonstration: Demonstration): Promise<string> {
  return withTemplate(demonstration, async (template) => {
    const block = await demonstration.block(async () => {
      const id = randomUUID()
      await template.do('makeBlock', { id, title: 'Demonstration' })
      return id
    })
    await template.do('fillIfEmpty', { block })
    return block
  })
}

/** Has the template do something, and leave. */
export async function withTemplate<T>(
  demonstration: Demonstration,
  work: (template: WriterProcess) => Promise<T>,
): Promise<T> {
  const template = await demonstration.enter('template', 'instantiation')
  try {
    return await work(template)
  } finally {
    await template.leave()
  }
}
