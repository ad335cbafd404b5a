import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DurabilityLedger } from './durability-ledger.ts'

type Step =
  | { do: 'write' }
  | { do: 'connect' }
  | { do: 'disconnect' }
  | { do: 'sync' }
  /** The edit's own frame, written and sent in one go as the provider does. */
  | { do: 'writeAndSend' }
  /** The server makes durable all but the last `behind` frames it got. */
  | { do: 'acknowledge'; behind: number }
  /** The server loses what it has not made durable. */
  | { do: 'crash' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    { do: 'write' },
    { do: 'connect' },
    { do: 'disconnect' },
    { do: 'sync' },
    { do: 'writeAndSend' },
    { do: 'crash' },
  ),
  fc.record({ do: fc.constant('acknowledge' as const), behind: fc.nat(3) }),
)

/** A server that knows exactly which edits it has. */
class Server {
  readonly durable = new Set<number>()
  #frames: number[][] | undefined

  connect(): void {
    this.#frames = []
  }
  disconnect(): void {
    this.#frames = undefined
  }
  receive(edits: number[]): void {
    this.#frames?.push(edits)
  }
  /** Returns what it says: how many frames of this connection are durable. */
  makeDurable(behind: number): number | undefined {
    if (this.#frames === undefined) return undefined
    const frames = Math.max(0, this.#frames.length - behind)
    for (const edit of this.#frames.slice(0, frames).flat()) this.durable.add(edit)
    return frames
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

function play(steps: readonly Step[]): { ledger: DurabilityLedger; server: Server } {
  const ledger = new DurabilityLedger()
  const server = new Server()
  let isConnected = false
  const run = (next: Step): void => {
    switch (next.do) {
      case 'write':
        return ledger.write()
      case 'connect':
        ledger.open()
        server.connect()
        isConnected = true
        return
      case 'disconnect':
      case 'crash':
        ledger.close()
        server.disconnect()
        isConnected = false
        return
      case 'sync':
        if (!isConnected) return
        // The answer to SyncStep1 holds what the server lacks; what it has is durable already or in an earlier frame.
        ledger.send('syncStep2')
        return server.receive(upTo(ledger.written))
      case 'writeAndSend':
        ledger.write()
        if (!isConnected) return
        ledger.send('update')
        return server.receive([ledger.written])
      case 'acknowledge': {
        const frames = server.makeDurable(next.behind)
        if (frames !== undefined) ledger.acknowledge(frames, frames)
      }
    }
  }
  for (const next of steps) run(next)
  return { ledger, server }
}

describe('durability ledger', () => {
  it('[C15] no edit counts as durable unless the server has made it so, whatever happens in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { ledger, server } = play(steps)
        for (const edit of upTo(ledger.covered)) expect(server.durable).toContain(edit)
        expect(ledger.pending).toBe(ledger.written - ledger.covered)
        expect(ledger.covered).toBeLessThanOrEqual(ledger.written)
      }),
      { numRuns: 2_000 },
    )
  })

  it('[C15] every edit counts as durable once a connection has synced and was acknowledged', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const end: Step[] = [{ do: 'connect' }, { do: 'sync' }, { do: 'acknowledge', behind: 0 }]
        const { ledger } = play([...steps, ...end])
        expect(ledger.pending).toBe(0)
        expect(ledger.isCaughtUp).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('[C15] an update frame sent before the answer to SyncStep1 covers nothing when earlier edits are not there', () => {
    const { ledger } = play([
      { do: 'write' },
      { do: 'connect' },
      { do: 'writeAndSend' },
      { do: 'acknowledge', behind: 0 },
    ])
    expect(ledger.covered).toBe(0)
    expect(ledger.isCaughtUp).toBe(false)
  })

  // Found by the property with seed -2979701.
  it('[C15] an update frame covers nothing new when the edit before it was never sent', () => {
    const { ledger } = play([
      { do: 'connect' },
      { do: 'sync' },
      { do: 'write' },
      { do: 'writeAndSend' },
      { do: 'acknowledge', behind: 0 },
    ])
    expect(ledger.covered).toBe(0)
  })

  it('[C15] acknowledge throws when more frames are acknowledged than were sent', () => {
    const ledger = new DurabilityLedger()
    ledger.open()
    ledger.send('syncStep2')
    expect(() => ledger.acknowledge(2, 1)).toThrow(RangeError)
  })
})
