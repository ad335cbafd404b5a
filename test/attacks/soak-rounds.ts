import { setTimeout as sleep } from 'node:timers/promises'
import { type BystanderLatency, BystanderLoad } from './bystander-load.ts'
import { attack, residentMiB, startAttacked, watchMemory } from './measure.ts'
import { boundOf } from './verdict.ts'

/** One round of all attacks. */
export interface Round {
  readonly number: number
  /** Latencies of the people in the whole round. */
  readonly latency: BystanderLatency
  /** Attacks during which the people waited longer than the bound, which grows with what they wait for beside nobody just before and after. */
  readonly slow: readonly string[]
  /** Resident memory of the server, MiB: the most of the round, and after a rest. */
  readonly memory: { readonly peak: number; readonly atRest: number }
}

export interface SoakResult {
  readonly rounds: readonly Round[]
  readonly lost: readonly string[]
  readonly died: string | undefined
}

export interface SoakOptions {
  readonly directory: string
  readonly port: number
  readonly names: readonly string[]
  readonly attackSeconds: number
  readonly soakSeconds: number
  /** Time without an attack before the first and after each, in which it is measured what the machine does by itself. */
  readonly calmSeconds: number
  /** Rest after each round, before the memory is noted. */
  readonly restSeconds: number
  readonly onRound?: (round: Round) => void
}

/** Has people work beside round after round of attacks, at least one, and starts the server again to see what is on the disk. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { directory, port, names, attackSeconds, soakSeconds, calmSeconds, restSeconds, onRound } = options
  await using server = await startAttacked(directory, port)
  let died: string | undefined
  let isOver = false
  void server.child.exited.then((how) => {
    if (!isOver) died = `${JSON.stringify(how)} ${server.child.output().slice(-2_000)}`
  })
  await using people = await BystanderLoad.open({ port, ended: server.child.exited })
  const endsAtMs = performance.now() + soakSeconds * 1_000
  await sleep(Math.min(5_000, soakSeconds * 100))
  const calm = async (): Promise<BystanderLatency> => {
    people.begin()
    await sleep(calmSeconds * 1_000)
    return people.latency()
  }
  const rounds: Round[] = []
  do {
    const memory = watchMemory(server.child)
    const slow: string[] = []
    const number = rounds.length + 1
    const latencies: BystanderLatency[] = []
    let before = await calm()
    for (const name of names) {
      people.begin()
      await attack({ name, port, seconds: attackSeconds, workspace: `mallory-${number}-${name}` })
      const latency = people.latency()
      latencies.push(latency)
      // The rest of the attack's work is the attack's.
      await sleep(calmSeconds * 500)
      const after = await calm()
      if (isSlow(latency, [before, after])) slow.push(name)
      before = after
      if (died !== undefined || (performance.now() > endsAtMs && rounds.length > 0)) break
    }
    const peak = memory.stop()
    if (died !== undefined) return { rounds, lost: people.refused, died }
    await sleep(restSeconds * 1_000)
    const round = { number, slow, latency: worstOf(latencies), memory: { peak, atRest: residentMiB(server.child) } }
    rounds.push(round)
    onRound?.(round)
  } while (performance.now() < endsAtMs)
  const lost = [...(await people.finish(server.child.exited)), ...people.refused]
  isOver = true
  await server.child.end('SIGTERM')
  await using again = await startAttacked(directory, port)
  const afterRestart = (await people.missing(again.child.exited)).map((fault) => `after a restart: ${fault}`)
  await again.child.end('SIGTERM')
  return { rounds, lost: [...lost, ...afterRestart], died }
}

/** Whether people waited longer than the greatest bound that the calm times around an attack give. */
export function isSlow(latency: BystanderLatency, calm: readonly BystanderLatency[]): boolean {
  const kinds = ['typing', 'http'] as const
  return kinds.some((kind) => latency[kind].p99 > Math.max(...calm.map((base) => boundOf(base[kind]))))
}

/** The latencies of the attack that made people wait longest. */
function worstOf(latencies: readonly BystanderLatency[]): BystanderLatency {
  const worst = (kind: keyof BystanderLatency) =>
    latencies.map((latency) => latency[kind]).reduce((most, latency) => (latency.p99 > most.p99 ? latency : most))
  return { typing: worst('typing'), http: worst('http') }
}

export function formatRound({ number, latency: { typing, http }, slow, memory }: Round): string {
  const worst = `p50 and p99 of its worst attack: typing ${Math.round(typing.p50)}, ${Math.round(typing.p99)} ms, HTTP ${Math.round(http.p50)}, ${Math.round(http.p99)} ms`
  const late = slow.length === 0 ? '' : `; too slow beside ${slow.join(', ')}`
  return `round ${number}: RSS ${Math.round(memory.atRest)} MiB at rest, ${Math.round(memory.peak)} at most; ${worst}${late}`
}

/** The rounds after which a server has its working set: later ones may need a little more, and not more and more. */
const WARM_ROUNDS = 2
const GROWTH_MAX = 1.25
const GROWTH_FREE_MIB = 32

/** The harm of a soak. Empty if nothing was lost, the server lives and its memory stayed flat. */
export function judgeSoak({ rounds, lost, died }: SoakResult): string[] {
  const faults = [...lost]
  if (died !== undefined) faults.push(`the server ended: ${died}`)
  const warm = Math.max(...rounds.slice(0, WARM_ROUNDS).map(({ memory }) => memory.atRest))
  const last = rounds.slice(WARM_ROUNDS).at(-1)?.memory.atRest
  if (last !== undefined && last > GROWTH_MAX * warm + GROWTH_FREE_MIB) {
    faults.push(`the memory at rest grew from ${Math.round(warm)} to ${Math.round(last)} MiB`)
  }
  // An attack that people noticed in each round is no accident of the machine.
  for (const name of rounds[0]?.slow ?? []) {
    if (rounds.length >= WARM_ROUNDS && rounds.every(({ slow }) => slow.includes(name))) {
      faults.push(`people waited too long beside ${name} in every round`)
    }
  }
  return faults
}
