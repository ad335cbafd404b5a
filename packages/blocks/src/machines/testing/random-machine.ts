import fc from 'fast-check'
import { defineMachine, type Machine, type MachineClaim } from '../../index.ts'

/** Any machine of up to 5 phases and 4 sources, two of which nobody may use without a token that names them. */
export const aMachine: fc.Arbitrary<Machine> = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
    shuffle: fc.infiniteStream(fc.nat(1_000)),
    sources: fc.uniqueArray(fc.constantFrom('user_action', 'polling_sync', 'resources', 'provider', 'scanner'), {
      minLength: 1,
      maxLength: 4,
    }),
    areResults: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    reserved: fc.array(fc.nat(15), { minLength: 16, maxLength: 16 }),
  })
  .map(({ sizes, shuffle, sources, areResults, reserved }) => {
    let next = 0
    const phases = sizes.map((size) => Array.from({ length: size }, () => `s${next++}`))
    const all = phases.flat()
    const ranks = all
      .map((status) => [Number(shuffle.next().value), status] as const)
      .sort(([a], [b]) => a - b)
      .map(([, status]) => status)
    const results = phases.filter((_, index) => areResults[index] === true || index === phases.length - 1).flat()
    // Every second status or so is reserved for some of the sources.
    const saidBy = (index: number) => sources.filter((_, place) => ((reserved[index % 16] ?? 0) >> place) % 2 === 1)
    const only = Object.fromEntries(
      [...all, 'stalled']
        .map((status, index) => [status, saidBy(index)] as const)
        .filter(([, said]) => said.length > 0),
    )
    const priorities = Object.fromEntries(sources.map((source, index) => [source, (index + 1) * 10]))
    return defineMachine({ name: 'random@1', phases, ranks, sources: priorities, results, only, stalls: all } as never)
  })

/** True if the table lets the claim's source say all that the claim says. */
export function isAllowed({ table }: Machine, { status, source, stalled }: MachineClaim): boolean {
  const only = table.only as Readonly<Record<string, readonly string[] | undefined>>
  const says = (what: string): boolean => only[what]?.includes(source) !== false
  return Object.hasOwn(table.sources, source) && says(status) && (stalled === undefined || says('stalled'))
}

/**
 * The claim that should win, found by elimination, rule after rule, as SPEC.md describes it. It compares no two claims and shares
 * no code with the fold.
 */
export function winnerOf({ table }: Machine, claims: readonly MachineClaim[]): MachineClaim | undefined {
  const { phases, results } = table
  const sources: Readonly<Record<string, number>> = table.sources
  let left = [...claims]
  const highest = (measure: (claim: MachineClaim) => number): void => {
    const most = Math.max(...left.map(measure))
    left = left.filter((claim) => measure(claim) === most)
  }
  const last = (text: (claim: MachineClaim) => string): void => {
    const most = left.map(text).sort().at(-1)
    left = left.filter((claim) => text(claim) === most)
  }
  highest(({ run }) => run.no)
  highest(({ run }) => sources[run.source] ?? -1)
  last(({ run }) => run.id)
  highest(({ status }) => phases.findIndex((phase) => phase.includes(status)))
  if (left.every(({ status }) => results.includes(status))) highest(({ source }) => sources[source] ?? -1)
  highest(({ status }) => table.ranks.indexOf(status))
  last(({ actor }) => actor)
  highest(({ at }) => at)
  last(textOf)
  return left[0]
}

/** Text that is the same for the same JSON, whatever the order of its keys. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
