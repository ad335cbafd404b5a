import type { Fork, Workspace } from '@joinery/client'
import * as Y from 'yjs'
import { charsSince } from './chars-since.ts'
import { blockOf, type StepContext, titleOf } from './step-context.ts'

export interface Rewriting {
  /** Number of characters that others wrote while the job worked on the text it had read. */
  readonly typedMeanwhile: number
  /** Number of these characters that are in the text after the job has written. */
  readonly stillThere: number
  /** Length of the text that the job had read: a job that writes the whole text back would have replaced it. */
  readonly chars: number
}

/** Longest time that the job waits for somebody to type, ms; then it goes on. */
const TYPING_WAIT_MS = 12_000
/** Time that the job goes on working after the first stroke, ms: enough to type a few words. */
const TYPING_TIME_MS = 3_000

/** Steps of a workflow that rewrites a text from a version that it read some time ago. */
export function createRewritingSteps(context: StepContext) {
  const { workspace, pause, note, reached } = context
  return {
    /** Reads the text, waits for others to type, and writes the text that it made from the one it had read. */
    async rewrite({ block: id, waits }: { block: string; waits: boolean }): Promise<Rewriting> {
      const fork = workspace.fork()
      const base = Y.decodeStateVector(Y.encodeStateVector(fork.doc))
      const title = titleOf(blockOf(workspace.blocks, id))
      note(`The workflow has read “${title}” and is working on it. ${waits ? 'Type in it now.' : ''}`)
      const typing = waits ? waitForTyping(context, id) : undefined
      reached('read')
      if (typing !== undefined) {
        if (await typing) note('You type, and the workflow still works on the text as it was before.')
        await pause(TYPING_TIME_MS)
      } else await pause(1_500)
      const rewriting = await merge(workspace, fork, base, id)
      return rewriting
    },
  }
}

/** Resolves with true when somebody types, or with false after {@link TYPING_WAIT_MS}. */
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

/** Tidies a text: sentences begin with a capital and have a line each. The last line is the workflow's signature. */
export function tidied(text: string): string {
  const sentences = text
    .replace(/(^|[.!?]\s+|\n)(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase())
    .replace(/([.!?]) +(?=\p{Lu})/gu, '$1\n')
    .trimEnd()
  return sentences.endsWith(SIGNATURE) ? sentences : `${sentences}\n${SIGNATURE}`
}
const SIGNATURE = '(Tidied by the workflow.)'

/** Number of leading characters that agree: all of them, unless something was lost. */
function commonChars(before: string, after: string): number {
  if (before === after) return before.length
  let at = 0
  while (at < before.length && before[at] === after[at]) at++
  return at
}
