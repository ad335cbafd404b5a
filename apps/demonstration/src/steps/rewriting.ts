import type { Fork, Workspace } from '@joinery/client'
import * as Y from 'yjs'
import { charsSince } from './chars-since.ts'
import { blockOf, type StepContext, titleOf } from './step-context.ts'

export interface Rewriting {
  /** Characters that others wrote while the job worked on what it had read before. */
  readonly typedMeanwhile: number
  /** How many of them are in the text after the job has written. */
  readonly stillThere: number
  /** Characters of the whole text that the job had read, and would have written back over them. */
  readonly chars: number
}

/** How long the job waits for somebody to type, ms. Then it goes on: nobody has to. */
const TYPING_WAIT_MS = 12_000
/** How long it goes on working after the first stroke, ms: a few words' time. */
const TYPING_TIME_MS = 3_000

/** A workflow that rewrites a text from what it read a while ago. */
export function createRewritingSteps(context: StepContext) {
  const { workspace, pause, note, reached } = context
  return {
    /** Reads, waits for others to type, writes what it made of what it had read. */
    async rewrite({ block: id, waits }: { block: string; waits: boolean }): Promise<Rewriting> {
      const fork = workspace.fork()
      const base = Y.decodeStateVector(Y.encodeStateVector(fork.doc))
      const title = titleOf(blockOf(workspace.blocks, id))
      note(`The workflow has read “${title}” and thinks about it. ${waits ? 'Type in it now.' : ''}`)
      const typing = waits ? waitForTyping(context, id) : undefined
      reached('read')
      if (typing !== undefined) {
        if (await typing) note('You type; the workflow still works on the text as it was before.')
        await pause(TYPING_TIME_MS)
      } else await pause(1_500)
      const rewriting = await merge(workspace, fork, base, id)
      return rewriting
    },
  }
}

/** Resolves with whether somebody did, in time. */
async function waitForTyping({ workspace, pause }: StepContext, id: string): Promise<boolean> {
  const { content } = blockOf(workspace.blocks, id)
  const typed = Promise.withResolvers<boolean>()
  const contentOnChange = (): void => typed.resolve(true)
  content.observe(contentOnChange)
  try {
    return await Promise.race([typed.promise, pause(TYPING_WAIT_MS).then(() => false)])
  } finally {
    content.unobserve(contentOnChange)
  }
}

async function merge(
  workspace: Workspace,
  fork: Fork,
  base: ReadonlyMap<number, number>,
  id: string,
): Promise<Rewriting> {
  const { content } = blockOf(workspace.blocks, id)
  const forked = blockOf(fork.blocks, id)
  const typed = charsSince(content, base)
  const read = forked.text
  forked.replaceContent(tidied(read))
  fork.merge()
  const stands = charsSince(content, base, fork.doc.clientID)
  await workspace.whenDurable()
  return { typedMeanwhile: typed.length, stillThere: commonChars(typed, stands), chars: read.length }
}

/** The text as the workflow likes it: sentences begin with a capital and have a line each; a last line says who was here. */
export function tidied(text: string): string {
  const sentences = text
    .replace(/(^|[.!?]\s+|\n)(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase())
    .replace(/([.!?]) +(?=\p{Lu})/gu, '$1\n')
    .trimEnd()
  return sentences.endsWith(SIGNATURE) ? sentences : `${sentences}\n${SIGNATURE}`
}
const SIGNATURE = '(Tidied by the workflow.)'

/** How many leading characters agree; all of them, unless something was lost. */
function commonChars(before: string, after: string): number {
  if (before === after) return before.length
  let at = 0
  while (at < before.length && before[at] === after[at]) at++
  return at
}
