import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../app-error.mts'

const FILE = 'CLUSTER'

const contents = z.object({ id: z.string() })

/** Notes in the data directory which cluster it belongs to. Throws {@link AppError} `start` if that is another one. */
export async function noteCluster(directory: string, id: string): Promise<void> {
  const known = await readCluster(directory)
  if (known === id) return
  if (known !== undefined) {
    const message =
      `data directory ${directory} belongs to another cluster (${known}) than these NATS servers (${id}): ` +
      'correct --cluster, or give an empty directory with --data; if NATS has lost all of its data, and a new node has begun ' +
      'another cluster on it, empty NATS, and have it made anew by "joinery cluster rebuild"'
    throw new AppError('start', message)
  }
  await writeFile(join(directory, FILE), `${JSON.stringify({ id })}\n`, { mode: 0o600 })
}

/** Throws {@link AppError} `start` if the directory belongs to a cluster: a single server would write beside its history. */
export async function assertSingle(directory: string): Promise<void> {
  const known = await readCluster(directory)
  if (known === undefined) return
  const message =
    `data directory ${directory} belongs to a node of the cluster ${known}: start it with --cluster, ` +
    `or delete the file ${FILE} in it if it shall leave the cluster for good`
  throw new AppError('start', message)
}

/** The name of the cluster that a data directory belongs to; undefined for none. */
export async function readCluster(directory: string): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(join(directory, FILE), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = contents.safeParse(JSON.parse(text))
  return parsed.success ? parsed.data.id : 'unreadable'
}
