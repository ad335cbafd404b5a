import type { Contestant, End } from './contestant.ts'
import type { KillPoint, Outside } from './outside.ts'
import { EFFECTS, UNDOS, undoOf } from './plan.ts'

/** One job: whether its last step is refused, and the calls at which its worker is killed. */
export interface Round {
  readonly isRefused: boolean
  readonly kills: readonly KillPoint[]
}

/** The sum over the rounds of one contestant. */
export interface Tally {
  jobs: number
  kills: number
  /** Effects that a job which is `done` does not have, and those of a job which is `failed` that were not taken back. */
  lost: number
  /** Effects that happened more than once. */
  doubled: number
  /** Jobs that had no end when the patience was over. */
  stuck: number
  /** Times from the last kill to the end, ms, of the jobs that ended. */
  readonly afterKillMs: number[]
}

/** All rounds: a kill at each call, before and after its effect, on the way forward and back; every other one kills twice. */
export function allRounds(step = 1): Round[] {
  const rounds: Round[] = []
  const add = (isRefused: boolean, calls: number): void => {
    for (let call = 1; call <= calls; call += step) {
      for (const when of ['before', 'after'] as const) {
        const second = call % 2 === 0 ? [{ call: call + 2, when }] : []
        rounds.push({ isRefused, kills: [{ call, when }, ...second] })
      }
    }
  }
  add(false, EFFECTS.length)
  // The refused call counts as one, too.
  add(true, EFFECTS.length + UNDOS.length)
  return rounds
}

/** The sum of several tallies. */
export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0)
  return {
    jobs: sum(({ jobs }) => jobs),
    kills: sum(({ kills }) => kills),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    stuck: sum(({ stuck }) => stuck),
    afterKillMs: tallies.flatMap(({ afterKillMs }) => afterKillMs),
  }
}

/** Plays the rounds one after the other. A worker that was killed is started again at once, as a supervisor does. */
export async function playRounds(
  contestant: Contestant,
  outside: Outside,
  rounds: readonly Round[],
  patienceMs: number,
): Promise<Tally> {
  const tally: Tally = { jobs: 0, kills: 0, lost: 0, doubled: 0, stuck: 0, afterKillMs: [] }
  await contestant.startWorker()
  for (const [at, { isRefused, kills }] of rounds.entries()) {
    const job = `job-${at}`
    if (isRefused) outside.refuse(job, 'link')
    let killedAtMs = performance.now()
    outside.killAt(job, kills, async () => {
      await contestant.killWorker()
      tally.kills++
      killedAtMs = performance.now()
      void contestant.startWorker()
    })
    await contestant.enqueue(job)
    const end = await ended(contestant, job, patienceMs)
    tally.jobs++
    if (end === undefined) tally.stuck++
    else tally.afterKillMs.push(performance.now() - killedAtMs)
    judge(outside.effectsOf(job), end, tally)
  }
  return tally
}

async function ended(contestant: Contestant, job: string, patienceMs: number): Promise<End | undefined> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const end = await contestant.endOf(job)
    if (end !== undefined || performance.now() > deadline) return end
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function judge(effects: ReadonlyMap<string, number>, end: End | undefined, tally: Tally): void {
  for (const count of effects.values()) tally.doubled += count - 1
  if (end === 'done') tally.lost += EFFECTS.filter((effect) => !effects.has(effect)).length
  if (end !== 'failed') return
  const standing = EFFECTS.filter((effect) => effects.has(effect))
  tally.lost += standing.filter((effect) => {
    const undo = undoOf(effect)
    return undo !== undefined && !effects.has(undo)
  }).length
}
