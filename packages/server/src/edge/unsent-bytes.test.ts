import { describe, expect, it } from 'vitest'
import { UnsentBytes } from './unsent-bytes.ts'

const BYTES_MAX = 24_000

/** A connection for which messages wait since `agoMs`. `endedFor` has the reason once it has ended. */
class Holder {
  unsentBytes = 0
  endedFor: string | undefined
  readonly principal: string
  readonly unsentSinceMs: number
  readonly #total: UnsentBytes
  readonly #messages: Uint8Array[] = []

  constructor(total: UnsentBytes, { principal = 'a', agoMs }: { principal?: string; agoMs: number }) {
    this.#total = total
    this.principal = principal
    this.unsentSinceMs = performance.now() - agoMs
  }

  wait(bytes: number): this {
    const message = Buffer.alloc(bytes)
    this.#messages.push(message)
    this.unsentBytes += bytes
    this.#total.add(message, this)
    return this
  }

  endUnsent(reason: string): void {
    this.endedFor = reason
    for (const message of this.#messages.splice(0)) this.#total.remove(message)
    this.#total.forget(this)
  }
}

const total = (): UnsentBytes => new UnsentBytes(BYTES_MAX)

describe('[S150] when too many bytes wait in all', () => {
  it('a client that has just asked for more than others does not end for those that have read nothing', () => {
    const all = total()
    const deaf = new Holder(all, { agoMs: 5_000 }).wait(12_000)
    const reader = new Holder(all, { agoMs: 0 }).wait(16_000)
    expect(deaf.endedFor).toContain(`${BYTES_MAX} bytes`)
    expect(reader.endedFor).toBeUndefined()
    expect(all.bytes).toBeLessThanOrEqual(BYTES_MAX)
  })

  it('of those that wait equally long, the one with most bytes ends', () => {
    const all = total()
    const small = new Holder(all, { agoMs: 1_000 }).wait(1_000)
    const large = new Holder(all, { agoMs: 1_000 }).wait(20_000)
    const other = new Holder(all, { agoMs: 1_000 }).wait(4_000)
    expect(large.endedFor).toBeDefined()
    expect([small.endedFor, other.endedFor]).toEqual([undefined, undefined])
  })

  it('a client that read a little of little stays, however long ago, while another holds much', () => {
    const all = total()
    const slow = new Holder(all, { agoMs: 3_000 }).wait(100)
    const large = new Holder(all, { agoMs: 100 }).wait(20_000)
    new Holder(all, { agoMs: 0 }).wait(5_000)
    expect(slow.endedFor).toBeUndefined()
    expect(large.endedFor).toBeDefined()
  })

  it('nobody ends for another principal that has more', () => {
    const all = total()
    const old = new Holder(all, { principal: 'b', agoMs: 60_000 }).wait(10_000)
    const newest = new Holder(all, { agoMs: 0 }).wait(16_000)
    expect(newest.endedFor).toBeDefined()
    expect(old.endedFor).toBeUndefined()
  })
})
