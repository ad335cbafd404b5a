import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { getBlock, type StatusClaim } from '../index.ts'
import { expectedWinner, sortedJson } from './expected-winner.ts'
import { HistoryWorld, INDEXES, isComplete, MODEL_BLOCK, type Replica, type Step } from './history-world.ts'

/** Number of histories per run of this file. The nightly command and JOINERY_HISTORIES raise it. */
const HISTORIES = Number(process.env.JOINERY_HISTORIES ?? (process.env.JOINERY_NIGHTLY === undefined ? 1_000 : 20_000))
const STEPS_MAX = 60

const aStep = fc.record({ kind: fc.nat(255), a: fc.nat(255), b: fc.nat(255), c: fc.nat(255) })

test('[M1, M2, M3, M4, M5, M6, M7, M8] the law holds after every step of any history', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.array(aStep, { maxLength: STEPS_MAX }), runHistory),
    // fast-check prints the seed and the shortest history that fails.
    { numRuns: HISTORIES, includeErrorInReport: true },
  )
})

test('[M2, M7] seed 1288302018: a report is written while an update it would retire waits for an earlier one', () => {
  runHistory(2, [
    { kind: 0, a: 75, b: 0, c: 0 },
    { kind: 85, a: 0, b: 0, c: 0 },
    { kind: 2, a: 0, b: 0, c: 134 },
  ])
})

function runHistory(replicas: number, steps: readonly Step[]): void {
  const world = new HistoryWorld(replicas)
  for (const step of steps) {
    const replica = world.step(step)
    if (replica !== undefined && isComplete(replica)) checkReplica(world, replica)
  }
  checkAgreement(world)
}

function checkReplica(world: HistoryWorld, replica: Replica): void {
  const block = getBlock(replica.doc, MODEL_BLOCK)
  if (block === undefined) throw new Error('the model block is gone')
  const list = block.map.get('indexingList')
  const raw: unknown[] = list instanceof Y.Array ? list.toArray() : []
  for (const index of INDEXES) {
    const candidates = world.candidates(replica, index)
    const winner = expectedWinner(candidates)
    const shown = block.indexingList.get(index)
    expect(plain(shown), `M2: ${index} on ${replica.name}`).toBe(plain(winner))
    const isRemoved = [...replica.facts].some((fact) => fact.removed === index)
    if (!isRemoved) {
      // No claim that ever reached this replica beats the shown one, superseded or not.
      expect(plain(shown), `M2, M4: ${index} of all known`).toBe(plain(expectedWinner(world.known(replica, index))))
      const before = replica.shown.get(index)
      if (before !== undefined && shown !== undefined) {
        expect(plain(expectedWinner([before, shown])), `M3: ${index} on ${replica.name}`).toBe(plain(shown))
      } else expect(before === undefined || shown !== undefined, `M3: ${index} vanished`).toBe(true)
    }
    if (shown === undefined) replica.shown.delete(index)
    else replica.shown.set(index, shown)
    const standing = raw.filter((item) => isClaimOf(item, index)).length
    expect(standing, `M7: live claims of ${index}`).toBe(candidates.length)
  }
  for (const fact of replica.facts) {
    if (fact.token !== undefined) expect(block.text, 'M5: typed text is lost').toContain(fact.token)
  }
  const claims = INDEXES.flatMap((index) => world.candidates(replica, index)).length
  expect(block.indexingList.junk().length, 'M8: junk is reported').toBe(raw.length - claims)
}

function checkAgreement(world: HistoryWorld): void {
  const alive = world.replicas.filter((replica) => replica.isAlive)
  for (let round = 0; round < 2; round++) {
    for (const from of alive) for (const to of alive) if (from !== to) world.sync(from, to)
  }
  const [first, ...others] = alive
  if (first === undefined) return
  if (isComplete(first)) for (const replica of alive) checkReplica(world, replica)
  for (const other of others) {
    expect(jsonOf(other), 'M1').toBe(jsonOf(first))
    expect(Y.encodeStateVector(other.doc), 'M1: state vectors').toEqual(Y.encodeStateVector(first.doc))
    const [left, right] = [other, first].map((replica) => Y.createDeleteSetFromStructStore(replica.doc.store))
    expect(left !== undefined && right !== undefined && Y.equalDeleteSets(left, right), 'M1: delete sets').toBe(true)
  }
  // A saved replica must show the same when it is loaded.
  const rebuilt = new Y.Doc()
  Y.applyUpdate(rebuilt, Y.encodeStateAsUpdate(first.doc))
  expect(jsonOf({ ...first, doc: rebuilt }), 'M1: after save and reload').toBe(jsonOf(first))
}

function jsonOf({ doc }: Replica): string {
  return sortedJson(['model', 'churn'].map((id) => getBlock(doc, id)?.toJSON() ?? null))
}

function plain(claim: StatusClaim | undefined): string {
  return sortedJson(claim ?? null)
}

/** Judges the raw element, without the reader under test. */
function isClaimOf(item: unknown, index: string): boolean {
  if (typeof item !== 'object' || item === null) return false
  const { index_name, status, run } = item as Record<string, unknown>
  const isLegacy = run === undefined && ['notStarted', 'processing', 'done', 'error'].includes(String(status))
  return (
    index_name === index &&
    (isLegacy || ((run as { no?: number } | undefined)?.no !== undefined && Number((run as { no?: number }).no) > 0))
  )
}
