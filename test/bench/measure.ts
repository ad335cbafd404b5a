import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '../support/child-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Figures, JOB_TIMEOUT_MS, type Job, type Work } from './load/job.ts'
import { type Peer, startPeer } from './peers.ts'

const LOAD_PROCESS = fileURLToPath(new URL('load/main.ts', import.meta.url))
/** The load process ends itself at its own limit; this is for one that hangs. */
const LOAD_PROCESS_TIMEOUT_MS = JOB_TIMEOUT_MS + 30_000
/** A server that takes longer to stop is killed; its figures stand. */
const STOP_TIMEOUT_MS = 15_000

/** The measured work, and the work that a first process of the server does before. */
export interface Measurement {
  readonly work: Work
  readonly prepare?: Work
  /** How that process ends: SIGTERM unless a crash is what is measured. */
  readonly prepareEndsBy?: 'SIGTERM' | 'SIGKILL'
  /** How many edits `work` brings, if what they take on the disk is of interest. */
  readonly edits?: number
}

/** Does one work against one peer: a fresh server on a fresh directory, one load process, both gone at the end. */
export async function measure(
  peer: Peer,
  { work, prepare, prepareEndsBy = 'SIGTERM', edits }: Measurement,
  nodeArgs: readonly string[],
): Promise<Figures> {
  await using directory = await tempDirectory()
  if (prepare !== undefined) await runAgainst(peer, prepare, directory.path, [], prepareEndsBy)
  const figures = await runAgainst(peer, work, directory.path, nodeArgs)
  if (edits === undefined) return figures
  return { ...figures, diskBytesPerEdit: (await bytesIn(directory.path)) / edits }
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}

async function runAgainst(
  peer: Peer,
  work: Work,
  directory: string,
  nodeArgs: readonly string[],
  endsBy: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<Figures> {
  const startedMs = performance.now()
  const { child: server, url } = await startPeer(peer, directory, nodeArgs)
  const startMs = performance.now() - startedMs
  try {
    const { wire, keepsDocuments } = peer
    const job: Job = { target: { url, wire, pid: server.pid, keepsDocuments }, work }
    return { ...(await runLoad(job, server)), startMs }
  } finally {
    const timer = setTimeout(() => void server.end('SIGKILL'), STOP_TIMEOUT_MS)
    await server.end(endsBy)
    clearTimeout(timer)
  }
}

async function runLoad(job: Job, server: Child): Promise<Figures> {
  const load = startChild({ args: [LOAD_PROCESS, JSON.stringify(job)] })
  const timer = setTimeout(() => void load.end('SIGKILL'), LOAD_PROCESS_TIMEOUT_MS)
  const exit = await load.exited
  clearTimeout(timer)
  if (exit.code === 0) return JSON.parse(load.stdout())
  const serverSays = server.output().trim().split('\n').slice(-3).join('\n')
  throw new Error(`${load.output().trim() || `the load process ended with ${exit.signal}`}\nserver: ${serverSays}`)
}
