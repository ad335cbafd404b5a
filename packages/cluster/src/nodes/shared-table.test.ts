import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { SharedTable } from './shared-table.ts'

const schema = z.number()
const largest = { prefix: 'table', schema, merge: (before: number, next: number) => Math.max(before, next) }

it('[Q70] a value that one node puts is kept, and every node hears of it, also one that comes later', async () => {
  const engine = new MemoryEngine()
  const heard: string[] = []
  const onChange = (name: string, value?: number): void => void heard.push(`${name} ${value}`)
  const two = await SharedTable.open(engine.connect('two').meta, { ...largest, onChange })
  const one = await SharedTable.open(engine.connect('one').meta, largest)
  await one.put('a name of any characters: é/ü', 3)
  await expect.poll(() => two.get('a name of any characters: é/ü')).toBe(3)
  expect(heard).toEqual(['a name of any characters: é/ü 3'])
  const three = await SharedTable.open(engine.connect('three').meta, largest)
  expect([...three.entries()]).toEqual([['a name of any characters: é/ü', 3]])
})

it('[Q70] an engine that has lost everything gets the values again from the nodes, the merged ones as all of them know them', async () => {
  const engine = new MemoryEngine()
  const clock = new HandClock()
  const open = (node: string) => SharedTable.open(engine.connect(node).meta, { ...largest, clock })
  const [one, two] = [await open('one'), await open('two')]
  await Promise.all([one.put('x', 3), two.put('y', 4)])
  for (const table of [one, two]) await expect.poll(() => table.get('x') === 3 && table.get('y') === 4).toBe(true)
  engine.lose()
  await engine.connect('setup').storage.remake()
  const known = async () => {
    clock.pass(1_000)
    return Object.fromEntries((await open('late')).entries())
  }
  await expect.poll(known).toEqual({ x: 3, y: 4 })
  one.close()
  two.close()
})

it('[Q70] values that nodes put at the same time are merged, none is lost, and other tables do not see them', async () => {
  const engine = new MemoryEngine()
  const metas = ['one', 'two', 'three'].map((node) => engine.connect(node).meta)
  const tables = await Promise.all(metas.map((meta) => SharedTable.open(meta, largest)))
  const other = await SharedTable.open(engine.connect('other').meta, { prefix: 'other', schema })
  await Promise.all(tables.flatMap((table, n) => [table.put('x', 10 - n), table.put(`own ${n}`, n)]))
  await tables[2]?.put('x', 1)
  const late = await SharedTable.open(engine.connect('late').meta, largest)
  expect(Object.fromEntries(late.entries())).toEqual({ x: 10, 'own 0': 0, 'own 1': 1, 'own 2': 2 })
  expect([...other.entries()]).toEqual([])
})
