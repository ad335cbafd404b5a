import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leaseEvents, leaseStates } from './lease-record.ts'
import { type LeaseEvent, LeaseFold } from './lease-state.ts'

const names = fc.constantFrom('a', 'b', 'Ünïcode/“c”')
const fences = fc.integer({ min: 1, max: 9 })
const events: fc.Arbitrary<LeaseEvent> = fc.oneof(
  fc
    .record({ name: names, fence: fences, key: fc.option(fc.constant('k'), { nil: undefined }) })
    .map(({ name, fence, key }) => ({
      type: 'acquired' as const,
      lease: {
        name,
        holder: 'h',
        actor: 'ada',
        fence,
        nonce: `n${name}${fence}`,
        ttlMs: 100,
        acquiredAt: 1,
        ...(key && { key }),
      },
    })),
  fc.record({ type: fc.constant('renewed' as const), name: names, fence: fences, ttlMs: fc.constantFrom(100, 200) }),
  fc.record({
    type: fc.constant('ended' as const),
    leases: fc.array(fc.record({ name: names, fence: fences }), { maxLength: 3 }),
    why: fc.constantFrom('released' as const, 'expired' as const, 'deleted' as const),
  }),
  fc.record({ type: fc.constant('copied' as const), copy: fc.constantFrom('x', 'y'), fence: fences }),
)

function foldOf(all: readonly LeaseEvent[], start?: LeaseFold): LeaseFold {
  const fold = start ?? new LeaseFold()
  for (const event of all) fold.take(event)
  return fold
}

describe('the state of leases', () => {
  it('[S290] a snapshot and the events after it make what all events make', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 30 }), fc.nat(), (all, at) => {
        const cut = at % (all.length + 1)
        const snapshot = leaseStates.encode(foldOf(all.slice(0, cut)))
        const tail = all.slice(cut).map((event) => leaseEvents.decode(leaseEvents.encode(event)))
        expect(foldOf(tail, leaseStates.decode(snapshot)).state).toEqual(foldOf(all).state)
      }),
    )
  })

  it('[S290] each name has one lease at most, a nonce finds the lease that has it, and the fence never falls', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 30 }), (all) => {
        const fold = new LeaseFold()
        const nonces = new Set<string>()
        let last = 0
        for (const event of all) {
          fold.take(event)
          if (event.type === 'acquired') nonces.add(event.lease.nonce)
          expect(fold.fence).toBeGreaterThanOrEqual(last)
          last = fold.fence
          for (const [name, lease] of fold.leases) expect([lease.name, lease.fence <= last]).toEqual([name, true])
          expect(fold.countOf('ada')).toBe(fold.leases.size)
          for (const nonce of nonces) {
            const standing = [...fold.leases.values()].find((lease) => lease.nonce === nonce)
            expect(fold.ofNonce(nonce)).toEqual(standing)
          }
        }
      }),
    )
  })

  it('[S290] an event about a lease that another holder has taken over changes nothing', () => {
    const lease = { name: 'a', holder: 'h', actor: 'ada', nonce: 'n', ttlMs: 100, acquiredAt: 1 }
    const fold = foldOf([
      { type: 'acquired', lease: { ...lease, fence: 1 } },
      { type: 'acquired', lease: { ...lease, fence: 2, nonce: 'm' } },
      { type: 'ended', leases: [{ name: 'a', fence: 1 }], why: 'released' },
      { type: 'renewed', name: 'a', fence: 1, ttlMs: 9 },
    ])
    expect(fold.state.leases).toEqual([{ ...lease, fence: 2, nonce: 'm' }])
    expect(fold.ofNonce('n')).toBeUndefined()
  })

  it.each([
    ['of a newer format', Uint8Array.of(2, 123, 125), 'has format 2, and this version reads 1'],
    ['that is cut', leaseEvents.encode({ type: 'copied', copy: 'x', fence: 1 }).slice(0, -3), 'can’t be read'],
    ['of an unknown type', Buffer.concat([Buffer.of(1), Buffer.from('{"type":"lost"}')]), 'can’t be read'],
    ['without bytes', new Uint8Array(), 'has format undefined'],
  ])('[S290] a record %s is corrupted, and never taken for no event', (_, bytes, message) => {
    expect(() => leaseEvents.decode(bytes)).toThrow(expect.objectContaining({ code: 'corrupted' }))
    expect(() => leaseEvents.decode(bytes)).toThrow(message)
  })
})
