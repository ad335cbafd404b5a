import pino from 'pino'
import { expect, it } from 'vitest'
import { Counters } from './counters.ts'
import { Ledger, type LedgerLimits, type RestingPayer } from './ledger.ts'

const LIMITS: LedgerLimits = {
  principalCostShare: 0.5,
  principalCostBurstMs: 100,
  workspaceCostShare: 0.5,
  workspaceCostBurstMs: 150,
  costContentionMs: 1_000,
}

class Connection implements RestingPayer {
  readonly id: string
  readonly principal: string
  readonly workspace: string
  isOpen = true
  isResting = false

  constructor(id: string, principal: string, workspace: string) {
    this.id = id
    this.principal = principal
    this.workspace = workspace
  }

  rest(): void {
    this.isResting = true
  }

  goOn(): void {
    this.isResting = false
  }
}

/** A ledger whose clock stands still unless work is done. */
class Scene {
  nowMs = 0
  turn = 0
  readonly counters = new Counters()
  readonly lines: string[] = []
  readonly ledger: Ledger

  constructor(limits: Partial<LedgerLimits> = {}) {
    const logger = pino({}, { write: (line: string) => this.lines.push(line) })
    this.ledger = new Ledger(
      { limits: { ...LIMITS, ...limits }, counters: this.counters, logger },
      () => this.nowMs,
      () => this.turn,
    )
  }

  /** Works in a turn of its own. */
  work(connection: RestingPayer, ms: number): void {
    this.turn++
    this.workOn(connection, ms)
  }

  /** Works in the same turn as before. */
  workOn(connection: RestingPayer, ms: number): void {
    const sinceMs = this.nowMs
    this.nowMs += ms
    this.ledger.charge(connection, sinceMs)
  }
}

it('[S181] a connection that is alone never rests, and rests over its budget while others have work', async () => {
  const scene = new Scene()
  const [busy, other] = [new Connection('1', 'mallory', 'w'), new Connection('2', 'ada', 'v')]
  for (let turn = 0; turn < 50; turn++) scene.work(busy, 100)
  expect(busy.isResting).toBe(false)
  scene.work(other, 1)
  scene.work(busy, 100)
  expect([busy.isResting, other.isResting]).toEqual([true, false])
  expect(scene.ledger.restOf(busy)).toBeGreaterThan(0)
  expect(scene.ledger.restOf(other)).toBe(0)
  scene.work(other, 1)
  expect(other.isResting).toBe(false)
  scene.nowMs += scene.ledger.restOf(busy) + 0.01
  scene.work(other, 0.1)
  await expect.poll(() => busy.isResting).toBe(false)
})

it('[S181] a connection at rest goes on when nobody else has work any more', async () => {
  const scene = new Scene({ principalCostShare: 0.000_001 })
  const [busy, other] = [new Connection('1', 'mallory', 'w'), new Connection('2', 'ada', 'v')]
  scene.work(other, 1)
  scene.work(busy, 500)
  expect([busy.isResting, scene.ledger.restingCount]).toEqual([true, 1])
  scene.nowMs += 1_001
  await expect.poll(() => busy.isResting).toBe(false)
  expect(scene.ledger.restingCount).toBe(0)
})

it('[S181] all connections of a principal pay from one budget, also a new one after the first has left', () => {
  const scene = new Scene()
  const other = new Connection('0', 'ada', 'v')
  const connections = [1, 2, 3].map((id) => new Connection(String(id), 'mallory', `w${id}`))
  const [first, second, third] = connections as [Connection, Connection, Connection]
  scene.work(other, 1)
  scene.work(first, 200)
  expect(first.isResting).toBe(true)
  first.isOpen = false
  scene.work(second, 1)
  expect(second.isResting).toBe(true)
  scene.work(third, 1)
  expect(third.isResting).toBe(true)
})

it('[S181] when a workspace is over its budget, whoever owes little goes on soon and whoever owes nothing at once', () => {
  const scene = new Scene({ principalCostBurstMs: 10_000 })
  const heavy = [1, 2].map((id) => new Connection(String(id), `mallory${id}`, 'w'))
  const [light, elsewhere] = [new Connection('3', 'ada', 'w'), new Connection('4', 'bob', 'v')]
  scene.work(elsewhere, 1)
  for (const connection of heavy) scene.work(connection, 400)
  scene.work(elsewhere, 1)
  expect(heavy.map((connection) => connection.isResting)).toEqual([true, true])
  expect(scene.ledger.restOf(light)).toBe(0)
  scene.work(light, 1)
  expect(light.isResting).toBe(true)
  expect(scene.ledger.restOf(light)).toBeLessThanOrEqual(6.01)
  expect(elsewhere.isResting).toBe(false)
})

it('[S181] a resting connection is logged once, counted each time, and forgotten when it has left', async () => {
  const scene = new Scene()
  const [busy, other] = [new Connection('1', 'mallory', 'w'), new Connection('2', 'ada', 'v')]
  for (let time = 1; time <= 3; time++) {
    scene.work(other, 1)
    scene.work(busy, 300)
    expect(scene.counters.rests).toBe(time)
    scene.nowMs += scene.ledger.restOf(busy)
    await expect.poll(() => busy.isResting).toBe(false)
  }
  expect(scene.lines).toHaveLength(1)
  expect(JSON.parse(scene.lines[0] ?? '')).toMatchObject({ connection: '1', actor: 'mallory', workspace: 'w' })
  scene.work(other, 1)
  scene.work(busy, 300)
  busy.isOpen = false
  await expect.poll(() => scene.ledger.restingCount).toBe(0)
})

it('[S181] budgets that nobody uses are forgotten', () => {
  const scene = new Scene()
  for (let id = 0; id < 100; id++) scene.work(new Connection(String(id), `actor${id}`, `w${id}`), 1)
  expect(scene.ledger.budgetCount).toBeGreaterThan(0)
  scene.nowMs += 1_000
  scene.ledger.sweep()
  expect(scene.ledger.budgetCount).toBe(0)
})

it('[S198] work in long turns is a debt at once, and other connections of the principal rest by it', () => {
  const scene = new Scene()
  const [first, second, other] = [
    new Connection('1', 'mallory', 'a'),
    new Connection('2', 'mallory', 'b'),
    new Connection('3', 'ada', 'c'),
  ]
  // Time that nobody else wants is free.
  scene.ledger.chargeAtOnce(first, 30)
  scene.ledger.haveRestIfOwing(second)
  expect([first.isResting, second.isResting]).toEqual([false, false])
  scene.work(other, 1)
  scene.ledger.chargeAtOnce(first, 30)
  scene.ledger.haveRestIfOwing(second)
  scene.ledger.haveRestIfOwing(other)
  expect([first.isResting, second.isResting, other.isResting]).toEqual([true, true, false])
  expect(scene.ledger.restOf(first)).toBe(60)
  scene.ledger.stop()
})

it('[S352] the ledger tells whether several principals had work a short time ago', () => {
  const scene = new Scene()
  const [busy, other] = [new Connection('1', 'mallory', 'w'), new Connection('2', 'ada', 'w')]
  scene.work(busy, 10)
  scene.work(busy, 10)
  expect(scene.ledger.isShared).toBe(false)
  scene.work(other, 1)
  expect(scene.ledger.isShared).toBe(true)
  scene.nowMs += LIMITS.costContentionMs + 1
  scene.work(other, 1)
  expect(scene.ledger.isShared).toBe(false)
})

it('[S353] a long turn is not paid from what may be spent at once, and many short ones are', () => {
  const scene = new Scene()
  const [short, long, built] = [1, 2, 3].map((id) => new Connection(`${id}`, `actor ${id}`, `w${id}`))
  if (short === undefined || long === undefined || built === undefined) throw new Error('three are made')
  for (let turn = 0; turn < 9; turn++) scene.work(short, 10)
  scene.work(long, 11)
  scene.ledger.chargeCost(built, 90, scene.nowMs, false)
  expect([short.isResting, long.isResting, built.isResting]).toEqual([false, true, false])
  expect(scene.ledger.restOf(long)).toBe(22)
  scene.ledger.stop()
})

it('[S355] many short parts of one principal in one turn count as one long part, of whichever connection and workspace', () => {
  const scene = new Scene()
  const [first, second, other] = [
    new Connection('1', 'mallory', 'a'),
    new Connection('2', 'mallory', 'b'),
    new Connection('3', 'ada', 'c'),
  ]
  for (let turn = 0; turn < 3; turn++) {
    scene.work(other, 1)
    for (let part = 0; part < 5; part++) scene.workOn(first, 2)
  }
  expect([first.isResting, other.isResting]).toEqual([false, false])
  scene.workOn(second, 2)
  scene.workOn(other, 1)
  expect([second.isResting, other.isResting]).toEqual([true, false])
  expect(scene.ledger.restOf(first)).toBeGreaterThan(0)
  expect(scene.ledger.restOf(first)).toBeLessThanOrEqual(4)
  scene.ledger.stop()
})
