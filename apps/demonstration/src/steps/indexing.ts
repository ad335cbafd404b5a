import { type Block, type IndexingEntry, listEdges } from '@joinery/blocks'
import type { JobContext, JobOutcome } from '@joinery/client'
import { type Passage, splitPassages } from '@joinery/resources/search'
import type { IndexedPassage } from '../search/vector-files.ts'
import { blockOf, type StepContext, titleOf } from './step-context.ts'

export interface IndexInput {
  readonly block: string
  readonly index: string
  /** Id of a run to go on with, instead of starting one; anybody may have started it. */
  readonly runId?: string
  /** Whether the job stops half-way until it is told to go on. */
  readonly holds?: boolean
}

/** Upper bound of an index's passages: 8 MB of vectors are enough for a demonstration. */
const PASSAGES_MAX = 2_000
/** Passages that are embedded between two looks at the signal. */
const PASSAGES_A_STEP = 8
/** Least time that a job takes, ms, so that a person sees it work. */
const TAKES_MS = 2_500

/** Steps of the embedding job, which computes real vectors and reports `done` when they are on disk. */
export function createIndexingSteps(context: StepContext) {
  const { workspace, workspaceName, author, vectors, embedder, pause, note, reached } = context

  const hold = Promise.withResolvers<void>()

  const job = (input: IndexInput) => async (jobContext: JobContext) => {
    const { run, signal, progress } = jobContext
    const passages = passagesOf(blockOf(workspace.blocks, input.block))
    const indexed: IndexedPassage[] = []
    const steps = Math.max(2, Math.ceil(passages.length / PASSAGES_A_STEP))
    for (let step = 0; step < steps; step++) {
      signal.throwIfAborted()
      const from = Math.round((step * passages.length) / steps)
      const to = Math.round(((step + 1) * passages.length) / steps)
      const some = passages.slice(from, to)
      const found = await embedder.embed(
        some.map(({ text }) => text),
        { signal },
      )
      for (const [at, passage] of some.entries()) indexed.push({ ...passage, vector: found[at] as Float32Array })
      progress(indexed.length, passages.length, 'passages')
      await pause(TAKES_MS / steps)
      if (step > 0) continue
      reached('halfway')
      if (input.holds) await hold.promise
    }
    signal.throwIfAborted()
    await vectors.write(
      { workspace: workspaceName, block: input.block, index: input.index, run },
      indexed,
      embedder.name,
    )
    return indexed.length
  }

  /** Passages of a block; a vector collection also has those of the blocks with an edge into it. */
  function passagesOf(block: Block): Passage[] {
    const linked = listEdges(workspace.doc)
      .filter(({ target }) => block.type === 'vector_collection' && target === block.id)
      .flatMap(({ source }) => workspace.blocks.get(source) ?? [])
    const passages = [block, ...linked].flatMap(({ id, text }) => splitPassages(id, text))
    if (passages.length === 0)
      throw new Error('there is nothing to index, because the block has no text yet: write some')
    if (passages.length > PASSAGES_MAX) {
      throw new Error(
        `the text has ${passages.length} passages, and a demonstration indexes at most ${PASSAGES_MAX}: shorten it`,
      )
    }
    return passages
  }

  async function index(input: IndexInput): Promise<JobOutcome['outcome']> {
    const { block, index: name, runId } = input
    const outcome = await workspace.withRun(block, name, job(input), { ...author, ...(runId && { runId }) })
    if (outcome.outcome === 'done') {
      await vectors.removeEarlier({ workspace: workspaceName, block, index: name, run: outcome.run })
    }
    note(wordsOf(outcome, titleOf(blockOf(workspace.blocks, block)), name))
    return outcome.outcome
  }

  const waiting = (): { block: string; entry: IndexingEntry }[] =>
    workspace.blocks.list().flatMap(({ id: block, indexingList }) =>
      indexingList
        .entries()
        .filter(({ status, run }) => status === 'processing' && run.source === 'user_action' && run.no > 0)
        .map((entry) => ({ block, entry })),
    )

  return {
    index,

    /** Lets a job that stopped half-way go on. */
    async goOn(): Promise<void> {
      hold.resolve()
    },

    /** Completes the runs that people have started and nobody works on. Resolves with their number. */
    async indexWaiting(): Promise<number> {
      let count = 0
      const tried = new Set<string>()
      for (;;) {
        const next = waiting().find(({ entry }) => !tried.has(entry.run.id))
        if (next === undefined) return count
        tried.add(next.entry.run.id)
        await index({ block: next.block, index: next.entry.index_name, runId: next.entry.run.id })
        count += 1
      }
    },
  }
}

function wordsOf(outcome: JobOutcome, title: string, index: string): string {
  const what = `index “${index}” of “${title}”`
  if (outcome.outcome === 'done') return `The job has built ${what}; its text can be searched.`
  if (outcome.outcome === 'superseded') return `The job gave up on ${what}: another run stands.`
  const { error } = outcome
  return `The job failed on ${what}: ${error instanceof Error ? error.message : String(error)}.`
}
