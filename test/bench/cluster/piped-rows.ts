import { fileURLToPath } from 'node:url'
import { startReadyChild } from '../../support/child-process.ts'
import { joinery } from '../../support/command.ts'
import { freePort } from '../../support/free-port.ts'
import type { FanOutWork, Figures } from '../load/job.ts'
import type { ClusterFigures } from './cluster-job.ts'
import { type ClusterRow, profileArgs, type RowColumn, type RowOptions, runProcess } from './cluster-row.ts'
import { type Fleet, startJoineryFleet, urlOf } from './fleet.ts'

const LOAD = fileURLToPath(new URL('../load/main.ts', import.meta.url))
const PIPE = fileURLToPath(new URL('../peers/pipe.ts', import.meta.url))

type Way = 'direct' | 'gateway' | 'pipe'

/** Way of the clients to the owner. */
interface Entrance extends AsyncDisposable {
  readonly url: string
  /** Process of the bare pipe, if there is one. */
  readonly pipePid?: number
}

async function entranceOf(way: Way, { nodes: [owner, second] }: Fleet): Promise<Entrance> {
  if (owner === undefined || second === undefined) throw new Error('the row needs two nodes')
  const stay = async (): Promise<void> => undefined
  if (way !== 'pipe') return { url: urlOf(way === 'direct' ? owner : second), [Symbol.asyncDispose]: stay }
  const port = await freePort()
  const child = await startReadyChild({ args: [PIPE, String(port), String(owner.port)] }, /listening/)
  const end = async (): Promise<void> => void (await child.end('SIGTERM'))
  return { url: `ws://127.0.0.1:${port}`, pipePid: child.pid, [Symbol.asyncDispose]: end }
}

async function measureWay(way: Way, work: FanOutWork, home: string, options: RowOptions): Promise<ClusterFigures> {
  await using fleet = await startJoineryFleet(home, { nodes: 2, nodeArgs: profileArgs(options) })
  // The second node owns nothing then, and passes all of its clients on.
  const drained = await joinery('cluster', 'drain', 'n2', '--cluster', fleet.natsUrls.join())
  if (drained.exit.code !== 0) throw new Error(drained.output)
  await using entrance = await entranceOf(way, fleet)
  const [owner = 0, second = 0] = fleet.nodes.map(({ pid }) => pid)
  const beside = entrance.pipePid === undefined ? [second] : [second, entrance.pipePid]
  const target = { url: entrance.url, wire: fleet.wire, pid: owner, beside, keepsDocuments: true }
  const figures = await runProcess<Figures>(LOAD, { target, work })
  const deliveries = work.rooms * work.writers * work.editsPerWriter * (work.clients - 1)
  const [secondMicros = Number.NaN, pipeMicros = 0] = (figures.besideCpuMicros ?? []).map((all) => all / deliveries)
  return {
    ownerMicros: figures.cpuMicrosPerDelivery ?? Number.NaN,
    secondMicros,
    pipeMicros,
    latencyP50Ms: figures.latencyP50Ms ?? Number.NaN,
    latencyP99Ms: figures.latencyP99Ms ?? Number.NaN,
  }
}

function columns(work: (scale: RowOptions['scale']) => FanOutWork): RowColumn[] {
  const column = (title: string, way: Way): RowColumn => ({
    title,
    measure: (home, options) => measureWay(way, work(options.scale), home, options),
  })
  return [
    column('at the owner', 'direct'),
    column('through a gateway', 'gateway'),
    column('through a bare TCP pipe', 'pipe'),
  ]
}

const LINES = [
  { title: 'CPU of the owner per delivery, µs', figure: 'ownerMicros' },
  { title: 'CPU of the second node, which has a copy', figure: 'secondMicros' },
  { title: 'CPU of the bare pipe', figure: 'pipeMicros' },
  { title: 'latency: median, ms', figure: 'latencyP50Ms' },
  { title: 'latency: 99 of 100, ms', figure: 'latencyP99Ms' },
]

/** Large rooms: many edits are one frame. */
export const PIPED_LARGE: ClusterRow = {
  title: '2 rooms of 100, 4 write as fast as they see (64 on the way)',
  lines: LINES,
  columns: columns((scale) => ({
    ...{ kind: 'fanOut', rooms: 2, pace: { window: 64 }, writers: 4 },
    ...(scale === 'full'
      ? { clients: 100, editsPerWriter: 500, warmUpEdits: 100 }
      : { clients: 10, editsPerWriter: 40 }),
  })),
}

/** At the pace of people each delivery is a frame of its own. */
export const PIPED_AT_EASE: ClusterRow = {
  title: '10 rooms of 20, 2 make 20 edits/s each',
  lines: LINES,
  columns: columns((scale) => ({
    ...{ kind: 'fanOut', writers: 2, pace: { editsPerSecond: 20 } },
    ...(scale === 'full'
      ? { rooms: 10, clients: 20, editsPerWriter: 120, warmUpEdits: 60 }
      : { rooms: 2, clients: 5, editsPerWriter: 10 }),
  })),
}
