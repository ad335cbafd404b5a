import { fileURLToPath } from 'node:url'
import { startChild } from '../../support/child-process.ts'
import { JOB_TIMEOUT_MS } from '../load/job.ts'
import type { ClusterFigures, ClusterWork } from './cluster-job.ts'
import { type Fleet, urlOf } from './fleet.ts'

const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))
/** The load process ends itself before; this is for one that hangs, ms. */
const LOAD_MS = JOB_TIMEOUT_MS + 30_000

/** Settings of a run. */
export interface RowOptions {
  /** All of the work, or enough to see that it runs. */
  readonly scale: 'full' | 'short'
  /** Folder for CPU profiles of the nodes. */
  readonly profileDirectory?: string | undefined
}

/** One line of a row's table. */
export interface RowLine {
  readonly title: string
  /** Name of the figure. */
  readonly figure: string
}

/** One column: somebody who does the work. A column that fails leaves its cells empty. */
export interface RowColumn {
  readonly title: string
  /** Whether this is somebody else's server: the bench does not fail with it. */
  readonly isPeer?: boolean
  /** Does the work once, on a fresh directory. */
  readonly measure: (home: string, options: RowOptions) => Promise<ClusterFigures>
}

/** One kind of work, done by each column in turn. */
export interface ClusterRow {
  readonly title: string
  readonly lines: readonly RowLine[]
  /** False where the columns do other work: otherwise each is shown as a multiple of the first, too. */
  readonly isCompared?: boolean
  readonly columns: readonly RowColumn[]
}

/** Arguments of Node with which a node leaves a profile. */
export function profileArgs({ profileDirectory }: RowOptions): readonly string[] {
  return profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]
}

/** Does a work at a fleet from a process of its own. */
export async function loadFleet(
  { wire, nodes, enginePids }: Pick<Fleet, 'wire' | 'nodes' | 'enginePids'>,
  work: ClusterWork,
): Promise<ClusterFigures> {
  const target = { wire, urls: nodes.map(urlOf), nodePids: nodes.map(({ pid }) => pid), enginePids }
  return await runProcess<ClusterFigures>(LOAD, { target, work })
}

/** Runs a load process, and gives the JSON that it prints. */
export async function runProcess<F>(program: string, job: object): Promise<F> {
  const load = startChild({ args: [program, JSON.stringify(job)] })
  const timer = setTimeout(() => void load.end('SIGKILL'), LOAD_MS)
  const { code, signal } = await load.exited
  clearTimeout(timer)
  if (code === 0) return JSON.parse(load.stdout()) as F
  throw new Error(load.output().trim() || `the load process ended with ${signal}`)
}
