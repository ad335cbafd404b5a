import { type CheckedLog, ClusterError, checkLogs, type Engine, EngineError, openNatsEngine } from '@joinery/cluster'
import { AppError } from '../app-error.mts'
import { formatTable } from '../operations/table.mts'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { readEngineConfig } from './cluster-setting.mts'
import { askNodeStatus, askToDrain, type NodeStatus } from './node-asks.mts'

/** Time that a node has to give its workspaces away, ms. */
const DRAIN_MS = 120_000
const LOOK_MS = 200
const NODE_KEY = /^node\.(.+)$/

type NodeRow = { readonly node: string; readonly answers: boolean } & Partial<NodeStatus>

/** Describes the nodes of the cluster, and the leaders of its engine. */
export function clusterStatus(options: Options): Promise<string> {
  return withEngine(options, async (engine) => {
    const nodes = await nodesOf(engine)
    const parts = await engine.leaders.list()
    if (options.json === true) return JSON.stringify({ engine: engine.name, nodes, parts })
    const rows = nodes.map(({ node, answers, address = '?', version = '?', isDraining, owned, openPipes, trouble }) => {
      const state = answers ? (trouble ?? (isDraining ? 'draining' : 'ready')) : 'does not answer'
      return [node, address, version, state, owned ?? '?', openPipes ?? '?']
    })
    const leaders = parts.map(({ part, leader }) => [part, leader ?? 'none now'])
    return [
      `${engine.name}, ${nodes.length} nodes`,
      formatTable(['node', 'address', 'version', 'state', 'owned', 'piped'], rows),
      formatTable(['part', 'leader'], leaders),
    ].join('\n\n')
  })
}

/** Prints how each node's copy of each log stands to the history. Rejects with {@link AppError} `failed` if one has other records. */
export function checkCluster(workspace: string | undefined, options: Options): Promise<void> {
  return withEngine(options, async (engine) => {
    const names = (await nodesOf(engine)).map(({ node }) => node)
    const asked = { digests: options.load === true, ...(workspace !== undefined && { workspaces: [workspace] }) }
    let logs = 0
    const wrong: string[] = []
    for await (const log of checkLogs(engine, names, asked)) {
      logs++
      for (const { node, state, divergedAt, reason } of log.copies) {
        if (state !== 'diverged' && state !== 'unreadable') continue
        const from = divergedAt === undefined ? '' : ` from record ${divergedAt} on`
        wrong.push(`${log.workspace} on node ${node}: ${state}${from}${reason === undefined ? '' : ` (${reason})`}`)
      }
      if (options.json === true) say(JSON.stringify(log))
      else say(describeLog(log))
    }
    if (wrong.length > 0) throw new AppError('failed', `copies differ from the history: ${wrong.join('; ')}`)
    if (options.json !== true) say(`${logs} logs on ${names.length} nodes agree with the history`)
  })
}

function describeLog({ workspace, lsn, epoch, copies }: CheckedLog): string {
  const states = copies.map(({ node, state, lacks }) => `${node} ${state}${lacks === undefined ? '' : ` by ${lacks}`}`)
  return `${workspace}: ${lsn} records, epoch ${epoch}: ${states.join(', ')}`
}

/** Has a node give its workspaces away. Resolves when it owns none. */
export function drainNode(node: string, options: Options): Promise<string> {
  return withEngine(options, async (engine) => {
    const before = await askNodeStatus(engine, node)
    if (before === undefined)
      throw new AppError('failed', `no node ${node} answers: "joinery cluster status" lists them`)
    await askToDrain(engine, node)
    const endsAtMs = performance.now() + DRAIN_MS
    for (;;) {
      const { owned } = (await askNodeStatus(engine, node)) ?? { owned: 0 }
      if (owned === 0) break
      if (performance.now() > endsAtMs) {
        const message = `node ${node} still owns ${owned} workspaces after ${DRAIN_MS / 1_000} s: look at its log`
        throw new AppError('failed', message)
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    if (options.json === true) return JSON.stringify({ node, done: 'drain', gave: before.owned })
    return `node ${node} owns no workspace any more (it had ${before.owned}): stop it, or leave it to pass clients on`
  })
}

/** Has the engine choose other leaders. */
export function stepDown(part: string | undefined, options: Options): Promise<string> {
  return withEngine(options, async (engine) => {
    const parts = part === undefined ? (await engine.leaders.list()).map((each) => each.part) : [part]
    for (const each of parts) await engine.leaders.stepDown(each)
    const now = (await engine.leaders.list()).filter((each) => parts.includes(each.part))
    if (options.json === true) return JSON.stringify({ done: 'stepdown', parts: now })
    return formatTable(
      ['part', 'leader now'],
      now.map((each) => [each.part, each.leader ?? 'none yet']),
    )
  })
}

async function nodesOf(engine: Engine): Promise<NodeRow[]> {
  const names = (await engine.live.entries()).flatMap(({ key }) => NODE_KEY.exec(key)?.[1] ?? [])
  const rows = names.sort().map(async (node): Promise<NodeRow> => {
    const status = await askNodeStatus(engine, node)
    return { node, answers: status !== undefined, ...status }
  })
  return await Promise.all(rows)
}

/** Runs `work` on the engine of the settings. Rejects with {@link AppError} `failed`, and one line that says what to do. */
export async function withEngine<T>(options: Options, work: (engine: Engine) => Promise<T>): Promise<T> {
  const { servers, user, pass, copies, monitors } = readEngineConfig(options, process.env, process.cwd())
  const login = user === undefined ? {} : { connection: { user, ...(pass !== undefined && { pass }) } }
  try {
    const engine = await openNatsEngine({
      servers,
      name: `joinery cluster ${process.pid}`,
      replicas: copies,
      monitors,
      ...login,
    })
    try {
      return await work(engine)
    } finally {
      await engine.close()
    }
  } catch (error) {
    if (!(error instanceof EngineError) && !(error instanceof ClusterError)) throw error
    throw new AppError('failed', error.message, { cause: error })
  }
}
