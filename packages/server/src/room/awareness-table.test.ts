import { describe, expect, it } from 'vitest'
import { AwarenessTable } from './awareness-table.ts'

interface Owner {
  name: string
  actor: string
}
const ann: Owner = { name: 'ann', actor: 'ann' }
const annAgain: Owner = { name: 'ann again', actor: 'ann' }
const bob: Owner = { name: 'bob', actor: 'bob' }

function table(): AwarenessTable<Owner> {
  return new AwarenessTable({ mayTakeOver: (from, to) => from.actor === to.actor, clientsPerOwnerMax: 2 })
}
const state = (clientId: number, clock: number, json = '{"a":1}') => ({ clientId, clock, json })

describe('awareness table', () => {
  it('[S12] apply takes a state once when y-websocket clients echo it back', () => {
    const t = table()
    expect(t.apply(state(1, 1), ann)).toBe(true)
    expect(t.apply(state(1, 1), bob)).toBe(false)
    expect(t.apply(state(1, 1), ann)).toBe(false)
  })

  it('[S12] apply refuses a newer state and a removal when another actor sends them', () => {
    const t = table()
    t.apply(state(1, 1), ann)
    expect(t.apply(state(1, 9, '{"name":"mallory"}'), bob)).toBe(false)
    expect(t.apply(state(1, 1, 'null'), bob)).toBe(false)
    expect(t.states()).toEqual([state(1, 1)])
  })

  it('[S12] apply hands a client over when the same actor reconnects by another connection', () => {
    const t = table()
    t.apply(state(1, 1), ann)
    expect(t.apply(state(1, 2), annAgain)).toBe(true)
    expect(t.release(ann)).toEqual([])
    expect(t.release(annAgain)).toEqual([state(1, 2, 'null')])
  })

  it('[S12] release removes the clients of a connection at their own clock when it closes', () => {
    const t = table()
    t.apply(state(1, 5), ann)
    t.apply(state(2, 1), bob)
    expect(t.release(ann)).toEqual([state(1, 5, 'null')])
    expect(t.states()).toEqual([state(2, 1)])
  })

  it('[S12] apply refuses more clients than one connection may own', () => {
    const t = table()
    expect([1, 2, 3].map((id) => t.apply(state(id, 1), ann))).toEqual([true, true, false])
  })
})
